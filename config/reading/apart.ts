// Runs in a process of its own, one for each reading, and ends with it: what reading takes (a YAML parser, a thread, whatever
// the configuration imports) must not stay in the supervisor. The configuration itself is read in a thread of this process, so
// that an endless loop in it can neither outlast the deadline nor the supervisor.
import { Worker } from 'node:worker_threads';
import { inWords } from '../duration.js';
import { broken, type FromThread, type Reading, type ToReader } from './reading.js';

const mostMemoryMb = 512;

process.once('disconnect', () => process.exit());
process.once('message', (asked: ToReader) => {
  const { deadlineMs, environment } = asked;
  const thread = new Worker(new URL('./in-thread.js', import.meta.url), {
    workerData: asked,
    argv: [],
    env: environment as NodeJS.ProcessEnv,
    resourceLimits: { maxOldGenerationSizeMb: mostMemoryMb },
  });
  let timer: NodeJS.Timeout | undefined;
  const late = (): void => say(broken(`not read after ${inWords(deadlineMs)}: it never returns, or waits too long`));
  const say = (reading: Reading): void => {
    clearTimeout(timer);
    thread.removeAllListeners();
    process.send?.(reading);
  };
  thread.on('message', (word: FromThread) => {
    if (word.type !== 'runs') return say(word);
    // Said again where another loader has to try.
    clearTimeout(timer);
    timer = setTimeout(late, deadlineMs);
  });
  thread.once('error', (error: unknown) => say(broken(`threw while it was read: ${firstLine(error)}`)));
  thread.once('exit', (code) => say(broken(`calls process.exit(${code}); a configuration only says what it wants`)));
});

const firstLine = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);
