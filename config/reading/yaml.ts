// A YAML text (1.2: `no` and `on` are words), with the line and column of every key and value in it, and of all that is wrong.
import { visit, type YAMLError, type YAMLWarning } from 'yaml';
import { dotted, type Path, placeKey } from '../problem.js';
import { brokenText, emptyText, type Placed, type PlacedProblem, parsePlaced, type TextRead } from './places.js';
import { notData } from './plain.js';

/** How many values aliases may stand for: a few lines can otherwise name billions. */
const mostAliases = 1_000;

export function readYaml(text: string): TextRead {
  const placed = parsePlaced(text);
  const { document, placeAt } = placed;
  const wrong = [...document.errors, ...document.warnings].map((error) => ({
    place: placeAt(error.pos[0]),
    says: sentence(error),
  }));
  if (wrong.length > 0) return brokenText(unrepeated(wrong));
  if (document.contents === null) return emptyText;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: mostAliases });
  } catch {
    const lost = strayAliases(placed);
    return brokenText(
      lost.length > 0 ? lost : [{ place: placeAt(0), says: 'its aliases stand for too much, or for themselves' }],
    );
  }
  const unfit = notData(value, [], []);
  if (unfit.length > 0)
    return brokenText(unfit.map(({ path, says }) => at(placed, path, `\`${dotted(path)}\`: ${says}`)));
  return { type: 'read', value, places: placed.places() };
}

function at({ places, placeAt }: Placed, path: Path, says: string): PlacedProblem {
  return { place: places()[placeKey(path)]?.value ?? placeAt(0), says };
}

function strayAliases({ document, placeAt }: Placed): PlacedProblem[] {
  const stray: PlacedProblem[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return;
      stray.push({ place: placeAt(alias.range?.[0] ?? 0), says: 'this alias has no anchor before it' });
    },
  });
  return stray;
}

/** One slip makes the parser complain at several places of a line; the first tells it. */
const unrepeated = (problems: readonly PlacedProblem[]): PlacedProblem[] =>
  problems.filter(({ place }, i) => problems.findIndex((other) => other.place.line === place.line) === i);

const sentences: Partial<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab in the indentation; YAML wants spaces',
  DUPLICATE_KEY: 'this key is there twice; keep one of the two',
  MULTIPLE_DOCS: 'a second document begins here; expected one',
  TAG_RESOLVE_FAILED: 'a tag that means nothing here; write the plain value, in quotes where it begins with "!"',
};

/** The parser quotes what it stumbled over, and that may be a secret. */
const sentence = ({ code, message }: YAMLError | YAMLWarning): string =>
  sentences[code] ?? `not valid YAML: ${message.replace(/(?: in YAML stream)?: .*$/s, '').replace(/\s+/g, ' ')}`;
