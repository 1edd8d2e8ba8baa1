// The supervisor that started this one to follow it, as its successor sees it.
import type { Inherited } from '../inheritance.js';
import { FIRST_FD, type FromSuccessor, heard, UPGRADE_VARIABLE } from './protocol.js';

export interface Predecessor {
  readonly sockets: readonly Inherited[];
  /** All workers serve: it may go. */
  ready(): void;
  /** Its fleet serves on, and its operator is told why. Resolves when that has been said. */
  failed(why: string): Promise<void>;
  /** Calls back once, when it has stepped back. */
  left(then: () => void): void;
}

/** Greets whoever started this process for an upgrade, and takes over what it listens on; nothing where nobody did. */
export async function predecessor(version: string): Promise<Predecessor | undefined> {
  const asked = process.env[UPGRADE_VARIABLE] !== undefined;
  delete process.env[UPGRADE_VARIABLE];
  const send = process.send?.bind(process);
  if (!asked || send === undefined) return undefined;
  const tell = (message: FromSuccessor): Promise<void> =>
    new Promise((done) => {
      if (process.connected) send(message, undefined, undefined, () => done());
      else done();
    });

  const left = new Promise<void>((resolve) => {
    process.on('message', (message) => heard(message)?.cordon === 'lead' && resolve());
    process.once('disconnect', () => resolve());
  });
  const inherited = new Promise<readonly Inherited[]>((resolve) => {
    process.on('message', (message) => {
      const word = heard(message);
      if (word?.cordon === 'inherit')
        resolve(word.sockets.map((heirloom, index) => ({ heirloom, fd: FIRST_FD + index })));
    });
    // Gone before it has said what there is: nothing is inherited, and this fleet starts like any other.
    process.once('disconnect', () => resolve([]));
  });
  void tell({ cordon: 'hello', version, node: process.versions.node });
  const sockets = await inherited;
  // What it says from now on keeps nobody waiting.
  process.channel?.unref();
  return {
    sockets,
    ready: () => void tell({ cordon: 'ready' }),
    failed: (why) => tell({ cordon: 'failed', why }),
    left: (then) => void left.then(then),
  };
}
