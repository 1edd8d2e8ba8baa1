// A fleet whose supervisor takes its commands from the test.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { fixture } from './fleet.js';
import { inTime } from './until.js';

type Answer = Record<string, unknown>;

interface Commanded {
  readonly progress: readonly string[];
  command(name: 'status' | 'reload' | 'restart' | 'scale' | 'drain', asked?: unknown): Promise<Answer>;
  /** What the next reload finds. */
  reconfigure(config: object): Promise<Answer>;
  /** Resolves when the program has printed its port, in all workers that are wanted. */
  port(): Promise<number>;
  stop(): Promise<number | null>;
}

export function commanded(t: ExecutionContext, config: object): Commanded {
  const child = fork(fixture('process/commanded.mjs'), [JSON.stringify({ logs: { format: 'json' }, ...config })], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [],
  });
  const pids = new Set<number>();
  const progress: string[] = [];
  const answers = new Map<number, (answer: Answer) => void>();
  let seq = 0;
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  child.on('message', (said: { seq?: number; answer?: Answer; progress?: string }) => {
    if (said.progress !== undefined) progress.push(said.progress);
    if (said.seq !== undefined) answers.get(said.seq)?.(said.answer ?? {});
  });
  const ready = new Promise<number>((resolve) => {
    let port = 0;
    let whole = false;
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      const { msg, pid, worker } = JSON.parse(line) as { msg: string; pid?: number; worker?: number };
      if (pid !== undefined && worker !== undefined) pids.add(pid);
      port ||= Number(/^port (\d+)/.exec(msg)?.[1] ?? 0);
      const [, serving, all] = /is ready \((\d+) of (\d+)\)/.exec(msg) ?? [];
      whole ||= serving !== undefined && serving === all;
      if (whole && port !== 0) resolve(port);
    });
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
    for (const pid of pids)
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
  });
  const ask = (name: string, asked: unknown): Promise<Answer> =>
    new Promise((resolve) => {
      answers.set(++seq, resolve);
      child.send({ seq, name, asked });
    });
  return {
    progress,
    command: ask,
    reconfigure: (changed) => ask('reconfigure', { logs: { format: 'json' }, ...changed }),
    port: () => inTime('all workers are ready, and the program has said its port', ready),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
