// Numbers as the log says them.
export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
export const seconds = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
