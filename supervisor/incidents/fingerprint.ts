// What makes two errors the same incident: type, code, the message without what differs from one occurrence to the next, and the
// program's own frames without line numbers, so that a new release does not make a new incident. After Sentry's grouping.
import { createHash } from 'node:crypto';
import type { ErrorReport } from '../../worker/protocol.js';
import { framesOf, isOwn, tailOf } from './frames.js';

const FRAMES = 5;

/** Stacks that were taken apart, to be known again: in a storm they are a few. */
const MAX_KNOWN = 100;

export class Fingerprints {
  /** The program's directory. */
  readonly #root: string;
  readonly #known = new Map<string, readonly string[]>();

  constructor(root: string) {
    this.#root = root;
  }

  of(report: ErrorReport): string {
    const { fingerprint, name, code = '', message } = report;
    const facts = fingerprint ?? [name, code, normalise(message), ...this.#frames(report)].join('\n');
    return createHash('sha256').update(facts).digest('hex').slice(0, 12);
  }

  #frames({ message, stack }: ErrorReport): readonly string[] {
    const text = tailOf(message, stack);
    const known = this.#known.get(text);
    if (known) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const frames = inApp({ message: '', stack: text }, this.#root);
    this.#known.set(text, frames);
    return frames;
  }
}

/** Addresses, ids, numbers and quoted values differ between occurrences of one bug. */
export const normalise = (message: string): string =>
  message
    .slice(0, 1000)
    .replace(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi, '<uuid>')
    .replace(/0x[\da-f]+|\b[\da-f]{12,}\b/gi, '<hex>')
    .replace(/\d+/g, '<n>')
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '<value>');

/** The top frames of the program itself; of its dependencies or of Node where there are no others. */
export function inApp({ message, stack }: Pick<ErrorReport, 'message' | 'stack'>, root: string): string[] {
  const frames = framesOf(message, stack);
  const own = frames.filter(isOwn);
  return (own.length > 0 ? own : frames)
    .slice(0, FRAMES)
    .map(({ name, file }) => `${name}@${file}`.replaceAll(`${root}/`, ''));
}
