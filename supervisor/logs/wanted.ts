// Which lines of the past somebody asks for, on both sides of the control socket.
import { LEVELS, type Level, levelOf, momentOf } from './fields.js';

export interface Filter {
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly worker?: number | undefined;
  /** This severe or worse. */
  readonly level?: Level | undefined;
}

interface Line {
  readonly time?: unknown;
  readonly level?: unknown;
  readonly worker?: unknown;
}

/** Takes a line as JSON. */
export function wantedBy({ since, worker, level }: Filter): (json: string) => boolean {
  const least = level === undefined ? 0 : LEVELS.indexOf(level);
  if (since === undefined && worker === undefined && least === 0) return () => true;
  return (json) => {
    const line = JSON.parse(json) as Line;
    if (worker !== undefined && line.worker !== worker) return false;
    if (since !== undefined && momentOf(line.time) < since) return false;
    return LEVELS.indexOf(levelOf(line.level)) >= least;
  };
}
