// A stuck worker, opened through its inspector: the stack where it is stuck, and the request that did it; then, where asked for, an
// end to the call. A loop before a handler's first `await` is freed on every Node, one in a timer's
// callback ends the process.
import { type RequestName, WHEREABOUTS } from '../../worker/protocol.js';
import type { Inspector } from './inspector.js';
import { type Frame, MOST_FRAMES } from './protocol.js';
import { sourceOf } from './source.js';

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
  readonly request: RequestName | undefined;
}

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
  const frames = stack.slice(0, MOST_FRAMES).map(({ functionName, url, location }) => {
    const script = scripts.get(location.scriptId);
    const place = {
      name: functionName || '<anonymous>',
      file: url,
      line: location.lineNumber + 1,
      column: (location.columnNumber ?? 0) + 1,
    };
    return sourceOf(place, script?.url ?? url, script?.sourceMapURL);
  });
  return { frames, request: await requestAt(inspector, stack[0]) };
}

/** Ends the call that runs, wherever it is, and lets the event loop go on. */
export async function free(inspector: Inspector): Promise<void> {
  await Promise.all([inspector.call('Runtime.terminateExecution'), inspector.call('Debugger.resume')]);
  await release(inspector);
}

export async function release(inspector: Inspector): Promise<void> {
  await inspector.call('Debugger.disable');
}

async function requestAt(inspector: Inspector, frame: CallFrame | undefined): Promise<RequestName | undefined> {
  if (frame === undefined) return undefined;
  const { result } = (await inspector.call('Debugger.evaluateOnCallFrame', {
    callFrameId: frame.callFrameId,
    expression: `globalThis[Symbol.for(${JSON.stringify(WHEREABOUTS)})]?.()`,
    silent: true,
    returnByValue: true,
  })) as { result: { value?: unknown } };
  return typeof result.value === 'string' ? ((JSON.parse(result.value) as RequestName | null) ?? undefined) : undefined;
}
