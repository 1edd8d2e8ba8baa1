// A configuration that is data: JSON, YAML, or the `cordon` key of package.json.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Path, placeKey } from '../problem.js';
import { getAt } from '../tree.js';
import { readJson } from './json.js';
import type { TextRead } from './places.js';
import { broken, type Reading } from './reading.js';
import { readYaml } from './yaml.js';

export const isData = (file: string): boolean => /\.(?:json|ya?ml)$/.test(file);

export function readData(file: string): Reading {
  let text: string;
  try {
    // Drops the byte order mark of UTF-8, and refuses what is not UTF-8, such as the UTF-16 of other systems' editors.
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch {
    return broken('is not UTF-8 text; save it as UTF-8');
  }
  const read = file.endsWith('.json') ? readJson(text) : readYaml(text);
  const whole = told(read);
  return basename(file) === 'package.json' && whole.type === 'read' ? partOf(whole, 'cordon') : whole;
}

const told = (read: TextRead): Reading =>
  read.type === 'read'
    ? read
    : {
        type: 'broken',
        problems: read.problems.map(({ place, says }) => ({ at: `:${place.line}:${place.column}`, says })),
      };

function partOf({ value, places = {} }: Extract<Reading, { type: 'read' }>, key: string): Reading {
  const part = getAt(value, [key]);
  if (part === undefined) return broken(`has no key \`${key}\`; expected the configuration there`);
  const within = Object.entries(places).flatMap(([path, place]) => {
    const [first, ...rest] = JSON.parse(path) as Path;
    return first === key ? [[placeKey(rest), place] as const] : [];
  });
  return { type: 'read', value: part, places: Object.fromEntries(within) };
}
