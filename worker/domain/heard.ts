// Whether the program hears an event. Most events of most emitters are heard by nobody, and some of a server's requests and responses
// by Node alone: for these no domain need be entered, which costs.
import type { EventEmitter } from 'node:events';

/** Not imported, for the reason that `config/http.ts` gives; and from there neither, since this folder stands by itself. */
const { ServerResponse } = process.getBuiltinModule('node:http');

/** What Node keeps the listeners of an emitter in, whatever its class makes of `listenerCount`: one function, or a list. */
interface Listened {
  readonly _events?: Readonly<Record<string | symbol, unknown>>;
}

/**
 * On a response's `finish` Node's own listener is the first: where there is one, it is Node's. Reading a bound function's name costs
 * more than all else here.
 */
export function isHeard(emitter: EventEmitter, type: string | symbol): boolean {
  const listener = (emitter as Listened)._events?.[type];
  if (listener === undefined || listener === nodesEnd) return false;
  if (typeof listener !== 'function') return true;
  if (type === 'finish') return !(emitter instanceof ServerResponse);
  if (type === 'end' && listener.name === 'clearIncoming') nodesEnd = listener;
  return listener !== nodesEnd;
}

/** Node's own listener of every request's `end`, once it has been seen. */
let nodesEnd: unknown;
