// The variables of the workers, with every value that stands elsewhere fetched: from files in the manner of dotenv, files of
// secrets, credentials of systemd. Nothing of what is read is ever part of a sentence.
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseVariables } from './dotenv.js';
import { notReadable } from './paths.js';
import { type Path, type Problem, problem, type Source } from './problem.js';
import { getAt, isTree } from './tree.js';
import { giver, type Wish } from './wish.js';

export interface Fetched {
  readonly env: Readonly<Record<string, string>>;
  /** Names whose values came from elsewhere. */
  readonly secrets: readonly string[];
  readonly problems: readonly Problem[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The kernel takes no longer one in an environment. */
const longestBytes = 128 * 1024;

/** The weakest first: `envFile` stands just beneath the `env` of whoever named it. */
export function fetchVariables(wish: Wish, environment: Environment, folder: string): Fetched {
  const env: Record<string, string> = {};
  const secrets = new Set<string>();
  const problems: Problem[] = [];
  const set = (name: string, value: string, secret: boolean): void => {
    env[name] = value;
    if (secret) secrets.add(name);
    else secrets.delete(name);
  };
  const filesFrom = giver(wish, ['envFile']);
  for (const source of wish.sources) {
    if (source === filesFrom) {
      for (const [path, file] of envFilesOf(source)) {
        const read = readVariables(source, path, file, folder);
        problems.push(...read.problems);
        for (const [name, value] of Object.entries(read.values)) set(name, value, true);
      }
    }
    const given = getAt(source.value, ['env']);
    for (const [name, value] of isTree(given) ? Object.entries(given) : []) {
      const path = ['env', name];
      if (!isTree(value)) {
        set(name, String(value), source.filled?.(path) !== undefined);
        continue;
      }
      const secret = readSecret(source, value, environment);
      if (secret === undefined) continue;
      if ('says' in secret) problems.push(problem(source, path, secret.says));
      else set(name, secret.text, true);
    }
  }
  return { env, secrets: [...secrets], problems };
}

function envFilesOf({ value }: Source): [path: Path, file: string][] {
  const given = getAt(value, ['envFile']);
  if (typeof given === 'string') return [[['envFile'], given]];
  return Array.isArray(given) ? given.map((file, i) => [['envFile', i], String(file)]) : [];
}

function readVariables(source: Source, path: Path, given: string, folder: string) {
  const file = resolve(source.folder, given);
  const wrong = notReadable(file, 1024 * 1024);
  if (wrong !== undefined) return { values: {}, problems: [problem(source, path, `${given} ${wrong}`)] };
  const { values, problems } = parseVariables(readFileSync(file, 'utf8'));
  const way = relative(folder, file);
  const called = way.startsWith('..') ? file : way;
  const nul = Object.entries(values).filter(([, value]) => value.includes('\0'));
  return {
    values,
    problems: [
      ...problems.map(({ line, says }) => ({ origin: 'file' as const, says: `${called}:${line}: ${says}` })),
      ...nul.map(([name]) => problem(source, path, `${given} has a NUL character in ${name}`)),
    ],
  };
}

/** One line break at the end is the editor's, not the secret's. Undefined where it is malformed, which is told elsewhere. */
function readSecret(
  source: Source,
  value: object,
  environment: Environment,
): { readonly text: string } | { readonly says: string } | undefined {
  const { file, credential } = value as { file?: unknown; credential?: unknown };
  const credentials = environment['CREDENTIALS_DIRECTORY'];
  const isCredential = typeof credential === 'string' && !/^\.{0,2}$|\//.test(credential);
  if (isCredential && credentials === undefined) {
    return {
      says: `no credential ${credential}: CREDENTIALS_DIRECTORY is not set; run under systemd with LoadCredential=`,
    };
  }
  if (!isCredential && (typeof file !== 'string' || file === '')) return undefined;
  const path = isCredential ? resolve(credentials ?? '', credential) : resolve(source.folder, String(file));
  const wrong = notReadable(path, longestBytes);
  if (wrong !== undefined) return { says: `${path} ${wrong}` };
  const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  return text.includes('\0') ? { says: `${path} has a NUL character; a variable cannot hold one` } : { text };
}
