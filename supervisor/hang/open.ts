// A stuck worker, opened through its inspector: the stack where it is stuck, and the request that did it; then, where asked for, an
// end to the call. A loop in a handler is freed on every Node; one in a timer's or an immediate's callback would take the process
// with it.
import { type Place, type RequestDetail, WHEREABOUTS } from '../../worker/protocol.js';
import type { Inspector } from './inspector.js';
import { type Frame, MOST_FRAMES } from './protocol.js';
import { sourceOf } from './source.js';

/** Nothing of ours is where anybody is stuck. */
const OURS = new URL('../../worker/', import.meta.url).href;

interface Script {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL?: string;
}

interface CallFrame {
  readonly callFrameId: string;
  readonly functionName: string;
  readonly url: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number };
}

export interface Stuck {
  readonly frames: readonly Frame[];
  readonly request: RequestDetail | undefined;
  /** Since its event loop last went round; undefined where nobody in there knows. */
  readonly silentMs: number | undefined;
  /** Nothing can end the call but the end of the process. */
  readonly doomed: boolean;
  /** Tells all that is open that nobody will answer. */
  readonly refuse: () => Promise<unknown>;
}

/**
 * What was called from outside, where Node ends the process with the call: timers and immediates on every Node, and on those before
 * 24 ticks, and what comes after an `await`, which no function of Node's own calls.
 */
function isFatal(outermost: CallFrame | undefined, scriptOf: (frame: CallFrame) => Script | undefined): boolean {
  if (outermost === undefined || FATAL.has(outermost.functionName)) return true;
  if (Number.parseInt(process.versions.node, 10) >= 24) return false;
  return outermost.functionName === TICKS || scriptOf(outermost)?.url.startsWith('node:') !== true;
}

const TICKS = 'processTicksAndRejections';
const FATAL = new Set(['processTimers', 'listOnTimeout', 'processImmediate']);

/** Stops the program where it is, and looks around. It stays stopped until it is freed or released. */
export async function look(inspector: Inspector): Promise<Stuck> {
  const scripts = new Map<string, Script>();
  inspector.on('Debugger.scriptParsed', (params) => {
    const script = params as Script;
    scripts.set(script.scriptId, script);
  });
  const paused = new Promise<readonly CallFrame[]>((resolve) => {
    inspector.on('Debugger.paused', (params) => resolve((params as { callFrames: readonly CallFrame[] }).callFrames));
  });
  await Promise.all([inspector.call('Debugger.enable'), inspector.call('Debugger.pause')]);
  const stack = await paused;
  const scriptOf = ({ location }: CallFrame): Script | undefined => scripts.get(location.scriptId);
  const theirs = stack.filter((frame) => scriptOf(frame)?.url.startsWith(OURS) !== true);
  const frames = theirs.slice(0, MOST_FRAMES).map((frame) => {
    const { functionName, url, location } = frame;
    const script = scriptOf(frame);
    const place = {
      name: functionName || '<anonymous>',
      file: url,
      line: location.lineNumber + 1,
      column: (location.columnNumber ?? 0) + 1,
    };
    return sourceOf(place, script?.url ?? url, script?.sourceMapURL);
  });
  const { request, silentMs } = (await ask(inspector, stack[0], false)) ?? {};
  return {
    frames,
    request: request ?? undefined,
    silentMs,
    // Node's own way in, where something listens to async hooks.
    doomed: isFatal(
      stack.findLast(({ functionName }) => functionName !== 'callbackTrampoline'),
      scriptOf,
    ),
    refuse: () => ask(inspector, stack[0], true),
  };
}

/** Ends the call that runs, wherever it is, and lets the event loop go on. */
export async function free(inspector: Inspector): Promise<void> {
  await Promise.all([inspector.call('Runtime.terminateExecution'), inspector.call('Debugger.resume')]);
  await release(inspector);
}

export async function release(inspector: Inspector): Promise<void> {
  await inspector.call('Debugger.disable');
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: unknown;
}

async function ask(inspector: Inspector, frame: CallFrame | undefined, doomed: boolean): Promise<Place | undefined> {
  if (frame === undefined) return undefined;
  const question = {
    expression: `globalThis[Symbol.for(${JSON.stringify(WHEREABOUTS)})]?.(${doomed})`,
    silent: true,
    returnByValue: true,
  };
  const there = { callFrameId: frame.callFrameId, ...question };
  const answer = (await inspector.call('Debugger.evaluateOnCallFrame', there)) as Evaluated;
  // In Node's own functions there is no `Symbol`.
  const { result } = answer.exceptionDetails
    ? ((await inspector.call('Runtime.evaluate', question)) as Evaluated)
    : answer;
  return typeof result.value === 'string' ? (JSON.parse(result.value) as Place) : undefined;
}
