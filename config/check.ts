// What is wrong with what was asked for. Every check says all it finds; nobody stops at the first.
import { resolve } from 'node:path';
import * as v from 'valibot';
import { listenAddress, misaddressed, mispathed, unixPath } from './address.js';
import { inWords } from './duration.js';
import { typed } from './expand.js';
import { notAFolder, notAScript, notReadable } from './paths.js';
import { dotted, type Path, type Problem, problem, type Source, written } from './problem.js';
import { ConfigSchema } from './schema.js';
import { nearest } from './suggest.js';
import { getAt, isTree, setAt } from './tree.js';
import { blame, giver, timeAt, type Wish } from './wish.js';

/** Unknown keys and wrong values, each source on its own: what is wrong in a file is wrong even where a flag overrides it. */
export function misfits(source: Source): Problem[] {
  if (source.value === undefined) return [];
  if (!isTree(source.value)) return [problem(source, [], `expected an object, got ${received(source.value, [])}`)];
  const { issues = [] } = v.safeParse(ConfigSchema, source.value);
  return issues.flatMap((issue) => {
    const path = pathOf(issue);
    const filled = source.filled?.(path);
    if (filled === 'failed') return [];
    if (issue.type === 'strict_object' && issue.expected === 'never') {
      const says = `${source.place(path, 'key')}: unknown key \`${dotted(written(source, path))}\`${suggestion(path)}`;
      return { origin: source.origin, says };
    }
    const got = filled ? 'a value from the environment that is not shown' : received(issue.input, path);
    return problem(source, path, `expected ${issue.message}, got ${got}`);
  });
}

/** A text that was filled in is the number or the boolean that it says, where one is wanted. */
export function fitted(source: Source): Source {
  const { issues = [] } = v.safeParse(ConfigSchema, source.value);
  return issues
    .filter((issue) => typeof issue.input === 'string' && source.filled?.(pathOf(issue)))
    .reduce((fit, issue) => {
      const given = getAt(fit.value, pathOf(issue));
      return typeof given === 'string' ? { ...fit, value: setAt(fit.value, pathOf(issue), typed(given)) } : fit;
    }, source);
}

const pathOf = (issue: v.BaseIssue<unknown>): (string | number)[] =>
  (issue.path ?? []).map(({ key }) => key as string | number);

/** What was got, short, on one line, and never a value of the program's environment or an address with a login: it may be a secret. */
function received(input: unknown, [first, ...rest]: Path): string {
  if (input === null || input === undefined) return String(input);
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'an object';
  const secretive = first === 'env' || first === 'hooks' || rest.includes('endpoints');
  if (secretive) return `a ${typeof input}`;
  const text = JSON.stringify(input);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A near name beside it, or the same name somewhere else, or what there is. */
function suggestion(path: Path): string {
  const key = String(path.at(-1));
  const beside = knownKeys(path.slice(0, -1));
  const elsewhere = allKeys(ConfigSchema as Shape, []).map(dotted);
  const near = nearest(key, beside);
  if (near !== undefined) return `, did you mean \`${near}\`?`;
  const same = elsewhere.filter((known) => known.endsWith(`.${key}`));
  if (same.length > 0) return `, did you mean ${same.map((known) => `\`${known}\``).join(' or ')}?`;
  return `; known here: ${beside.filter((known) => known !== '$schema').join(', ')}`;
}

/** The part of a valibot schema that this file looks into. */
interface Shape {
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly wrapped?: Shape;
}

const entriesOf = (shape: Shape | undefined): Readonly<Record<string, Shape>> =>
  shape?.entries ?? (shape?.wrapped ? entriesOf(shape.wrapped) : {});

const knownKeys = (path: Path): string[] =>
  Object.keys(
    entriesOf(path.reduce<Shape | undefined>((shape, key) => entriesOf(shape)[String(key)], ConfigSchema as Shape)),
  );

const allKeys = (shape: Shape, path: Path): Path[] =>
  Object.entries(entriesOf(shape)).flatMap(([key, inner]) => [[...path, key], ...allKeys(inner, [...path, key])]);

/** What each key allows and two together do not. Defaults yield to what was said, so that only what was said can clash. */
export function contradictions(wish: Wish): Problem[] {
  const min = timeAt(wish, 'restart', 'backoff', 'min');
  const max = timeAt(wish, 'restart', 'backoff', 'max');
  const linger = timeAt(wish, 'stop', 'linger');
  const timeout = timeAt(wish, 'stop', 'timeout') ?? v.parse(ConfigSchema, {}).stop.timeout;
  const problems: Problem[] = [];
  if (min !== undefined && max !== undefined && min > max) {
    const says = `expected at most restart.backoff.max (${inWords(max)}), got ${inWords(min)}`;
    problems.push(...blame(wish, ['restart', 'backoff', 'min'], says));
  }
  const { health } = v.parse(ConfigSchema, {});
  const beat = timeAt(wish, 'health', 'beat');
  const hang = timeAt(wish, 'health', 'hang');
  if ((hang ?? health.hang) <= 3 * (beat ?? health.beat)) {
    const says =
      hang === undefined
        ? `expected less than a third of health.hang (${inWords(health.hang)}), got ${inWords(beat ?? 0)}`
        : `expected more than three times health.beat (${inWords(beat ?? health.beat)}), got ${inWords(hang)}`;
    problems.push(...blame(wish, ['health', hang === undefined ? 'beat' : 'hang'], says));
  }
  if (linger !== undefined && linger > 0 && linger >= timeout) {
    const says = `expected less than stop.timeout (${inWords(timeout)}), got ${inWords(linger)}`;
    problems.push(...blame(wish, ['stop', 'linger'], says));
  }
  if (getAt(wish.given, ['group']) !== undefined && getAt(wish.given, ['user']) === undefined)
    problems.push(...blame(wish, ['group'], 'expected a `user` beside it, got none'));
  const format = getAt(wish.given, ['logs', 'access']);
  if (getAt(wish.given, ['logs', 'accessFile']) !== undefined && (format === undefined || format === false))
    problems.push(
      ...blame(wish, ['logs', 'accessFile'], 'expected `logs.access` beside it, such as "combined", got none'),
    );
  return [...problems, ...crowded(wish), ...unreachable(wish)];
}

/** A registry must be told where clients are to go. */
function unreachable(wish: Wish): Problem[] {
  const endpoints = getAt(wish.given, ['registry', 'etcd', 'endpoints']);
  if (!Array.isArray(endpoints) || endpoints.length === 0) return [];
  if (getAt(wish.given, ['registry', 'address']) !== undefined) return [];
  const list = getAt(wish.given, ['listen']);
  const listen = (Array.isArray(list) ? list.map(String) : [])
    .filter((text) => misaddressed(text) === undefined)
    .map(listenAddress);
  if (listen.some((address) => 'port' in address && address.port > 0)) return [];
  const says = 'expected `registry.address` beside it, or a port in `listen`, got neither';
  return blame(wish, ['registry', 'etcd', 'endpoints'], says);
}

/** An address that is there twice, and a unix path that is too long once it is absolute. */
function crowded(wish: Wish): Problem[] {
  const list = getAt(wish.given, ['listen']);
  const folder = giver(wish, ['listen'])?.folder ?? '';
  const addresses = Array.isArray(list) ? list.map((text) => wellFormed(String(text), folder)) : [];
  return addresses.flatMap((address, i) => {
    if (address === undefined) return [];
    const first = addresses.indexOf(address);
    if (first < i) return blame(wish, ['listen', i], `expected each address once, got the same as listen[${first}]`);
    const path = unixPath(address);
    const expected = path === undefined ? undefined : mispathed(path);
    return expected === undefined ? [] : blame(wish, ['listen', i], `expected ${expected}, got ${path}`);
  });
}

/** One spelling for each address. */
function wellFormed(text: string, folder: string): string | undefined {
  if (misaddressed(text) !== undefined) return undefined;
  const address = listenAddress(text);
  if ('inherited' in address) return text;
  return 'path' in address ? resolve(folder, address.path) : `${address.host ?? ''}:${address.port}`;
}

const secrets: readonly Path[] = (['passwordFile', 'ca', 'cert', 'key'] as const).map((name) => [
  'registry',
  'etcd',
  name,
]);

/** Paths that lead nowhere. */
export function misplaced(wish: Wish): Problem[] {
  const check = (key: Path, wrong: (path: string) => string | undefined): Problem[] => {
    const path = getAt(wish.given, key);
    if (typeof path !== 'string' || path === '' || path.includes('\0')) return [];
    const says = wrong(resolve(giver(wish, key)?.folder ?? '', path));
    return says === undefined ? [] : blame(wish, key, `${path} ${says}`);
  };
  return [
    ...check(['script'], notAScript),
    ...check(['cwd'], notAFolder),
    ...secrets.flatMap((path) => check(path, notReadable)),
  ];
}
