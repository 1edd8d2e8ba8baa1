// The supervisor that started this one to follow it, as its successor sees it.
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import type { Moved } from '../../worker/protocol.js';
import type { Handle } from '../handover.js';
import type { Inherited } from '../inheritance.js';
import type { Legacy } from '../metrics/legacy.js';
import { isInvited } from '../systemd/invitation.js';
import { FIRST_FD, type FromSuccessor, heard, UPGRADE_VARIABLE, type Will } from './protocol.js';

/** The only app of a supervisor that does not say what it is called. */
const NAMELESS = '';

export interface Predecessor {
  readonly sockets: readonly Inherited[];
  /** Its apps; one without a name where it does not say. */
  readonly apps: readonly Will[];
  /** All workers serve: it may go. */
  ready(): void;
  /** Its fleet serves on, and its operator is told why. Resolves when that has been said. */
  failed(why: string): Promise<void>;
  /** Calls back once, when it has stepped back; for which of its apps the operator wants no new requests here. */
  left(then: (maintained: readonly string[]) => void): void;
  /** Hears of what each of its apps has counted, in parts. */
  counted(hear: (app: string, legacy: Legacy) => void): void;
  /** Hears of each connection that it passes on, where somebody here can have it; else it goes back. */
  passes(takes: (app: string) => boolean, hear: (app: string, moved: Moved, handle: Handle) => void): void;
  /** It is to pass on no more of this app, or of any. */
  keep(app?: string): void;
  /** Resolves when its last request is answered, and it has ended. */
  gone(): Promise<void>;
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

  const gone = new Promise<void>((resolve) => process.once('disconnect', resolve));
  const left = new Promise<readonly string[]>((resolve) => {
    process.on('message', (message) => {
      const word = heard(message);
      if (word?.cordon === 'lead') resolve(word.maintained ?? (word.maintenance ? [NAMELESS] : []));
    });
    void gone.then(() => resolve([]));
  });
  const isService = isInvited(process.env);
  const inherited = new Promise<Pick<Predecessor, 'sockets' | 'apps'>>((resolve, reject) => {
    process.on('message', (message) => {
      const word = heard(message);
      if (word?.cordon !== 'inherit') return;
      const sockets = word.sockets.map((heirloom, index) => ({ heirloom, fd: FIRST_FD + index }));
      resolve({ sockets, apps: word.apps ?? [{ name: NAMELESS, scale: word.scale, serves: true }] });
    });
    // Gone before it has said what there is: nothing is inherited, and this fleet starts like any other.
    // A service is systemd's to start.
    process.once('disconnect', () => {
      if (!isService) return resolve({ sockets: [], apps: [] });
      reject(new OperatorError('the supervisor that this one was to follow is gone', ExitCode.failed));
    });
  });
  void tell({ cordon: 'hello', version, node: process.versions.node, pid: process.pid });
  const legacy = await inherited;
  // What it says from now on keeps nobody waiting.
  process.channel?.unref();
  return {
    ...legacy,
    ready: () => void tell({ cordon: 'ready' }),
    failed: (why) => tell({ cordon: 'failed', why }),
    left: (then) => void left.then(then),
    counted: (hear) =>
      process.on('message', (message) => {
        const word = heard(message);
        if (word?.cordon === 'counted') hear(word.app ?? NAMELESS, word.legacy);
      }),
    keep: (app) => void tell({ cordon: 'keep', app }),
    passes: (takes, hear) =>
      process.on('message', (message, handle) => {
        const word = heard(message);
        if (word?.cordon !== 'connection') return;
        const app = word.app ?? NAMELESS;
        const isTaken = takes(app);
        void tell({ cordon: isTaken ? 'took' : 'returned', seq: word.seq });
        if (!isTaken) (handle as Handle | undefined)?.close();
        else if (handle) hear(app, word.moved, handle as Handle);
      }),
    gone: () => {
      process.channel?.ref();
      return gone;
    },
  };
}
