// A look into this worker while it serves: a CPU profile, a heap snapshot, or its inspector, opened and closed again. Profiles need no
// port: an inspector's session lives within the process. Nothing of it is loaded before it is asked for.
import type { FromWorker, Look, LookStep } from './protocol.js';

type Tell = (message: Extract<FromWorker, { type: 'looked' }>, sent?: () => void) => void;
type Say = (step: LookStep, sent?: () => void) => void;

export interface Looks {
  readonly look: (seq: number, look: Look) => Promise<void>;
  readonly lookAway: (seq: number) => void;
}

export function looks(tell: Tell): Looks {
  const ends = new Map<number, () => void>();
  return {
    async look(seq, look) {
      const ended = new Promise<void>((resolve) => void ends.set(seq, resolve));
      const say: Say = (step, sent) => tell({ type: 'looked', seq, ...step }, sent);
      try {
        if (look.kind === 'cpu') await profile(look, ended, say);
        else if (look.kind === 'heap') await snapshot(look.file, say);
        else await open(ended, say);
        say({ step: 'done' });
      } catch (error) {
        say({ step: 'failed', why: error instanceof Error ? error.message : String(error) });
      } finally {
        ends.delete(seq);
      }
    },
    lookAway: (seq) => ends.get(seq)?.(),
  };
}

async function profile({ file, forMs }: Extract<Look, { kind: 'cpu' }>, ended: Promise<void>, say: Say): Promise<void> {
  const { Session } = await import('node:inspector');
  const { writeFile } = await import('node:fs/promises');
  const session = new Session();
  session.connect();
  const call = (method: string): Promise<object> =>
    new Promise((resolve, reject) => {
      session.post(method, (error, result) => (error ? reject(error) : resolve(result ?? {})));
    });
  try {
    await call('Profiler.enable');
    await call('Profiler.start');
    say({ step: 'begun' });
    await Promise.race([ended, passed(forMs)]);
    const { profile: found } = (await call('Profiler.stop')) as { profile: object };
    await writeFile(file, JSON.stringify(found), { flag: 'r+' });
  } finally {
    session.disconnect();
  }
}

/** A program that has nothing left to do ends, looked into or not. */
const passed = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());

/** What is said first has left the process before it stands still. */
async function snapshot(file: string, say: Say): Promise<void> {
  await new Promise<void>((sent) => say({ step: 'begun' }, sent));
  process.getBuiltinModule('node:v8').writeHeapSnapshot(file);
}

/** On a loopback port of Node's own choosing. */
async function open(ended: Promise<void>, say: Say): Promise<void> {
  const inspector = await import('node:inspector');
  const there = inspector.url();
  if (there !== undefined) throw new Error(`its inspector is open already, at ${there}`);
  inspector.open(0, '127.0.0.1');
  try {
    const url = inspector.url();
    if (url === undefined) throw new Error('its inspector could not be opened');
    say({ step: 'begun', url });
    await ended;
  } finally {
    inspector.close();
  }
}
