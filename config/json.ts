// A JSON text, with the line and column of every key and value in it. JSON.parse says what is valid; the YAML parser, whose
// language contains JSON, says where things are and which key is there twice.
import { isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import { type Path, type Place, type Places, placeKey } from './problem.js';

export type JsonRead =
  | { readonly type: 'read'; readonly value: unknown; readonly places: Places }
  | { readonly type: 'broken'; readonly problems: readonly { readonly place: Place; readonly says: string }[] };

export function readJson(text: string): JsonRead {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (text.trim() === '')
    return broken([{ place: { line: 1, column: 1 }, says: 'the file is empty; expected an object' }]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    return broken([{ place: placeAt(failedAt(text)), says: `not valid JSON: ${withoutExcerpt(message)}` }]);
  }
  const doubled = document.errors.filter(({ code }) => code === 'DUPLICATE_KEY');
  if (doubled.length > 0) {
    return broken(
      doubled.map(({ pos }) => ({ place: placeAt(pos[0]), says: 'this key is there twice; keep one of the two' })),
    );
  }
  const places: Record<string, { key: Place; value: Place }> = {};
  const found: Found = (path, keyStart, start) => {
    places[placeKey(path)] = { key: placeAt(keyStart), value: placeAt(start) };
  };
  found([], startOf(document.contents), startOf(document.contents));
  walk(document.contents, [], found);
  return { type: 'read', value, places };
}

const broken = (problems: Extract<JsonRead, { type: 'broken' }>['problems']): JsonRead => ({
  type: 'broken',
  problems,
});

type Found = (path: Path, key: number, value: number) => void;

const startOf = (node: unknown): number => (node as ParsedNode | null)?.range?.[0] ?? 0;

/** Tells where every key and value begins, from the outside in. */
function walk(node: unknown, path: Path, found: Found): void {
  if (isMap<Node, Node | null>(node)) {
    for (const { key, value } of node.items) {
      const here = [...path, isScalar(key) ? String(key.value) : ''];
      found(here, startOf(key), startOf(value));
      walk(value, here, found);
    }
  }
  if (isSeq<Node>(node)) {
    for (const [i, item] of node.items.entries()) {
      found([...path, i], startOf(item), startOf(item));
      walk(item, [...path, i], found);
    }
  }
}

/**
 * JSON.parse tells an offset for some mistakes only. A start of the text that is merely too short fails for being short; the
 * shortest start that fails otherwise ends with the mistake.
 */
function failedAt(text: string): number {
  let fine = 0;
  let bad = text.length + 1;
  while (fine + 1 < bad) {
    const middle = (fine + bad) >> 1;
    if (middle <= text.length && isOnlyShort(text.slice(0, middle))) fine = middle;
    else bad = middle;
  }
  return fine;
}

function isOnlyShort(start: string): boolean {
  try {
    JSON.parse(start);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const offset = /at position (\d+)/.exec(message)?.[1];
    return message.startsWith('Unexpected end') || Number(offset ?? -1) >= start.length;
  }
}

/** Node quotes the text around a mistake, and it may hold a secret. */
const withoutExcerpt = (message: string): string =>
  message
    .replace(/, (?:\.\.\.)?".*$/s, '')
    .replace(/ (?:in|after) JSON at position .*$/s, '')
    .replace(/ JSON input$/, '');
