// Where every key and value of a YAML document stands. JSON is read by the same parser for this, as YAML contains it.
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { type Path, type Place, type Places, placeKey } from '../problem.js';

/** What came of a text, and where what is wrong with it stands. */
export type TextRead =
  | { readonly type: 'read'; readonly value: unknown; readonly places: Places }
  | { readonly type: 'broken'; readonly problems: readonly PlacedProblem[] };

export interface PlacedProblem {
  readonly place: Place;
  readonly says: string;
}

export interface Placed {
  readonly document: Document.Parsed;
  readonly placeAt: (offset: number) => Place;
  readonly places: () => Places;
}

export const brokenText = (problems: readonly PlacedProblem[]): TextRead => ({ type: 'broken', problems });
export const emptyText = brokenText([{ place: { line: 1, column: 1 }, says: 'the file is empty; expected an object' }]);

export function parsePlaced(text: string): Placed {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    version: '1.2',
    merge: true,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  return { document, placeAt, places: () => placesOf(document, placeAt) };
}

type Found = (path: Path, key: number, value: number) => void;

function placesOf(document: Document.Parsed, placeAt: (offset: number) => Place): Places {
  const places: Record<string, { key: Place; value: Place }> = {};
  const found: Found = (path, key, value) => {
    places[placeKey(path)] ??= { key: placeAt(key), value: placeAt(value) };
  };
  found([], startOf(document.contents), startOf(document.contents));
  walk(document, document.contents, [], found, []);
  return places;
}

const startOf = (node: unknown): number => (node as ParsedNode | null)?.range?.[0] ?? 0;

/** From the outside in. What an alias stands for is where its anchor is; what `<<` brings in yields to what is there. */
function walk(document: Document, node: unknown, path: Path, found: Found, above: readonly unknown[]): void {
  if (above.includes(node)) return;
  const inside = [...above, node];
  if (isAlias(node)) return walk(document, node.resolve(document), path, found, inside);
  if (isMap(node)) {
    const merged: unknown[] = [];
    for (const { key, value } of node.items) {
      if (isScalar(key) && key.source === '<<') {
        merged.push(...(isSeq(value) ? value.items : [value]));
        continue;
      }
      const here = [...path, isScalar(key) ? String(key.value) : ''];
      found(here, startOf(key), startOf(value));
      walk(document, value, here, found, inside);
    }
    for (const one of merged) walk(document, one, path, found, inside);
  }
  if (isSeq(node)) {
    for (const [i, item] of node.items.entries()) {
      found([...path, i], startOf(item), startOf(item));
      walk(document, item, [...path, i], found, inside);
    }
  }
}
