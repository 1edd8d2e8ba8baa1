// The signals that this process hears, until it has heard enough.

/** Those that end it. */
const ENDING = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
export type Ending = (typeof ENDING)[number];

export function onEnding(until: AbortSignal, tell: (signal: Ending) => void): void {
  for (const signal of ENDING) onSignal(until, signal, () => tell(signal));
}

export function onSignal(until: AbortSignal, signal: NodeJS.Signals, listener: () => void): void {
  process.on(signal, listener);
  until.addEventListener('abort', () => process.removeListener(signal, listener));
}
