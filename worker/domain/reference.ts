// One thing that can still enter a task: a timer, a request under way, an open handle.
import type { Task } from './task.js';

/** What the account of a task needs to know of it. */
type Kind =
  /** Runs once. */
  | 'once'
  /** Can be unreferenced, and cut short. */
  | 'timer'
  | 'immediate'
  | 'handle'
  | 'server'
  /** Enters only while it has something to work on. */
  | 'zlib'
  /** Until it is destroyed. */
  | 'lasting';

interface Referable {
  hasRef?(): boolean;
  close?(): void;
  /** A handle that was taken over, with a keep-alive connection, from an earlier owner. */
  handle?: Referable;
}

/**
 * Says of what kind a resource is by its type; `undefined`, when it cannot enter by itself. An AsyncResource of the
 * program's says nothing of its end but that it was collected, much later; what waits on it counts, not the resource.
 */
export function kindOf(type: string, resource: object): Kind | undefined {
  if (type === 'Timeout') return 'timer';
  if (type === 'Immediate') return 'immediate';
  if (type === 'TickObject' || type === 'Microtask') return 'once';
  if (type === 'TCPSERVERWRAP' || type === 'PIPESERVERWRAP') return 'server';
  if (type === 'ZLIB') return 'zlib';
  if (type === 'HTTPCLIENTREQUEST' || type === 'HTTP2STREAM' || type === 'WORKER') return 'lasting';
  if (
    /REQ(UEST|PROMISE|CALLBACK|WRAP)?$|^(WRITE|SHUTDOWN|QUERY|UDPSEND|TCPCONNECT|PIPECONNECT)WRAP$|^HTTP2(PING|SETTINGS)$/.test(
      type,
    )
  )
    return 'once';
  return isReferable(resource) || isReferable((resource as Referable).handle) ? 'handle' : undefined;
}

const isReferable = (resource: object | undefined): boolean => resource !== undefined && 'hasRef' in resource;

export class Reference {
  readonly task: Task;
  readonly kind: Kind;
  readonly #resource: Referable;
  readonly #forget: () => void;

  constructor(task: Task, kind: Kind, resource: Referable, forget: () => void) {
    this.task = task;
    this.kind = kind;
    this.#resource = resource;
    this.#forget = forget;
  }

  get canBeUnreferenced(): boolean {
    return this.kind === 'timer' || this.kind === 'immediate' || this.kind === 'handle' || this.kind === 'server';
  }

  /** Whether it keeps its task open: what was unreferenced does not. */
  counts(): boolean {
    if (this.kind === 'once' || this.kind === 'lasting') return true;
    if (this.kind === 'zlib') return (this.#resource as { buffer?: unknown }).buffer != null;
    const owner = ownerOf(this.#resource);
    // Whoever first looks at process.stderr has it made; it is the process's all the same.
    if (owner !== undefined && Reflect.get(owner, '_isStdio') === true) return false;
    // A server's handle closes without a word, when its server has spoken its last.
    if (this.kind === 'server' && owner !== undefined && Reflect.get(owner, '_handle') === null) return false;
    const { handle = this.#resource } = this.#resource;
    return handle.hasRef?.() === true;
  }

  /** Ends it, where that can be done: a request cannot be called back. */
  cut(): void {
    if (this.kind === 'timer') clearTimeout(this.#resource as NodeJS.Timeout);
    else if (this.kind === 'immediate') clearImmediate(this.#resource as NodeJS.Immediate);
    else if (this.kind === 'handle' || this.kind === 'server') close(this.#resource);
  }

  /** It enters no more, or its task has ended. */
  drop(): void {
    this.#forget();
    this.task.release(this);
  }
}

type Owner = { destroy?(): void; kill?(): void; close?(): void };

function ownerOf(handle: object): Owner | undefined {
  const symbol = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');
  return symbol === undefined ? undefined : Reflect.get(handle, symbol);
}

/** Closes a handle by way of the socket, server or child process it belongs to, where there is one. */
function close(resource: Referable): void {
  const handle = resource.handle ?? resource;
  const owner = ownerOf(handle);
  try {
    if (owner !== undefined && Reflect.get(owner, '_isStdio') === true) return;
    if (owner?.destroy !== undefined) owner.destroy();
    else if (owner?.kill !== undefined) owner.kill();
    else if (owner?.close !== undefined) owner.close();
    else handle.close?.();
  } catch {}
}
