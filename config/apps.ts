// One file, several apps: `{ apps: [ … ] }`. Each is a source of its own whose complaints still name the place in the file.
import type { Config } from './config.js';
import { circles } from './order.js';
import { type Problem, partOf, problem, type Source } from './problem.js';
import { nearest } from './suggest.js';
import { isTree } from './tree.js';

export interface Apps {
  /** Undefined where the file is about one app, and has no list. */
  readonly list: readonly Source[] | undefined;
  readonly problems: readonly Problem[];
}

export function appsOf(source: Source): Apps {
  const { value } = source;
  if (!isTree(value) || !Object.hasOwn(value, 'apps')) return { list: undefined, problems: [] };
  const { apps } = value;
  const says = 'stands beside `apps`, where it would be for nobody; write it into each app that it is for';
  const strays = Object.keys(value)
    .filter((key) => key !== 'apps' && key !== '$schema')
    .map((key) => ({ origin: source.origin, says: `${source.place([key], 'key')}: \`${key}\` ${says}` }));
  if (!Array.isArray(apps) || apps.length === 0) {
    const got = Array.isArray(apps) ? 'an empty one' : isTree(apps) ? 'an object' : JSON.stringify(apps);
    return { list: [], problems: [...strays, problem(source, ['apps'], `expected a list of apps, got ${got}`)] };
  }
  const list = apps.map((app: unknown, i) => partOf(source, app, (path) => ['apps', i, ...path]));
  return { list, problems: strays };
}

/** An app together with the source that its complaints are told to. */
export interface Named {
  readonly config: Pick<Config, 'name' | 'after'>;
  readonly source: Source;
}

/** What no app can see by itself: a name that is there twice, one that is nobody's, apps that wait for each other. */
export function entangled(apps: readonly Named[]): Problem[] {
  const names = apps.map(({ config }) => config.name);
  const doubled = apps.flatMap(({ config: { name }, source }, i) => {
    const first = names.indexOf(name);
    return first < i
      ? [problem(source, ['name'], `expected each name once, got ${name}, which is apps[${first}] too`)]
      : [];
  });
  const strangers = apps.flatMap(({ config: { name, after }, source }) =>
    after.flatMap((other, i) =>
      names.includes(other) ? [] : [problem(source, ['after', i], unknownName(other, names, name))],
    ),
  );
  const round = circles(apps.map(({ config }) => config)).flatMap((circle) => {
    const first = apps.find(({ config }) => config.name === circle[0]);
    const says = `apps that wait for each other never start: ${circle.join(' → ')}`;
    return first === undefined ? [] : [problem(first.source, ['after'], says)];
  });
  return [...doubled, ...strangers, ...round];
}

function unknownName(other: string, names: readonly string[], own: string): string {
  const others = names.filter((name) => name !== own);
  const near = nearest(other, others);
  const known = others.length === 0 ? 'there is no other app in this file' : `known here: ${others.join(', ')}`;
  return `no app is called ${other}${near === undefined ? `; ${known}` : `, did you mean ${near}?`}`;
}
