// A JSON text, with the line and column of every key and value in it. JSON.parse says what is valid; the YAML parser, whose
// language contains JSON, says where things are and which key is there twice.
import { brokenText, emptyText, parsePlaced, type TextRead } from './places.js';

export function readJson(text: string): TextRead {
  const { document, placeAt, places } = parsePlaced(text);
  if (text.trim() === '') return emptyText;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    return brokenText([{ place: placeAt(failedAt(text)), says: `not valid JSON: ${withoutExcerpt(message)}` }]);
  }
  const doubled = document.errors.filter(({ code }) => code === 'DUPLICATE_KEY');
  if (doubled.length > 0) {
    return brokenText(
      doubled.map(({ pos }) => ({ place: placeAt(pos[0]), says: 'this key is there twice; keep one of the two' })),
    );
  }
  return { type: 'read', value, places: places() };
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
