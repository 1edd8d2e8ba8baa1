// A configuration that is a program: imported, called where it exports a function, awaited, and taken for what it gives.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { dotted } from '../problem.js';
import { notData } from './plain.js';
import { broken, type Reading, type ToReader } from './reading.js';

/** `runs` hears when the first of it does. */
export async function runCode({ file, environment, mode, pm2 }: ToReader, runs: () => void): Promise<Reading> {
  const { module, lacking } = await importCode(file, runs);
  if (module === undefined) return broken(lacking);
  if (!('default' in module)) return broken('no default export; write `export default { script: … }`');
  const exported = await module['default'];
  const given = isTranspiled(exported) ? await exported.default : exported;
  const isFunction = typeof given === 'function' && !given.toString().startsWith('class');
  const value: unknown = isFunction
    ? await (given as (asked: unknown) => unknown)({ env: { ...environment }, mode })
    : given;
  if (value === undefined) {
    return broken(`${isFunction ? 'the function in it returns' : 'exports'} undefined; expected an object`);
  }
  // pm2 takes functions and the like where it does not look at them.
  const problems = pm2 ? [] : notData(value, [], []);
  if (problems.length > 0) {
    const told = problems.map(({ path, says }) => (path.length === 0 ? says : `\`${dotted(path)}\`: ${says}`));
    return { type: 'broken', problems: told.map((says) => ({ at: '', says })) };
  }
  const data = JSON.stringify(value) as string | undefined;
  return { type: 'read', value: data === undefined ? undefined : (JSON.parse(data) as unknown), places: undefined };
}

type Module = Record<string, unknown>;

/** The module, or what is lacking to import it. */
type Imported =
  | { readonly module: Module; readonly lacking?: never }
  | { readonly module: undefined; readonly lacking: string };

async function importCode(file: string, runs: () => void): Promise<Imported> {
  const url = pathToFileURL(file).href;
  if (!/\.[cm]?ts$/.test(file)) {
    runs();
    return { module: (await import(url)) as Module };
  }
  // `@types/node` of our oldest Node does not know it.
  const strips = Boolean((process.features as { typescript?: unknown }).typescript);
  if (!strips) {
    const says = `TypeScript needs Node 22.18 or later, or the package jiti beside it (this is Node ${process.versions.node}): \`npm install jiti\`, or rename it to .mjs`;
    return orLacking(await importWithJiti(file, runs), says);
  }
  try {
    runs();
    return { module: (await import(url)) as Module };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') throw error;
    const says = `${message}; write it without, or \`npm install jiti\``.replace(/\s+/g, ' ');
    return orLacking(await importWithJiti(file, runs), says);
  }
}

const orLacking = (module: Module | undefined, lacking: string): Imported =>
  module === undefined ? { module, lacking } : { module };

/** Ours, or the one that is installed beside the configuration; undefined where there is none. */
async function importWithJiti(file: string, runs: () => void): Promise<Module | undefined> {
  const jiti = (await findJiti(file))?.createJiti(file, { fsCache: false, moduleCache: false });
  runs();
  return jiti?.import<Module>(file);
}

async function findJiti(file: string): Promise<typeof import('jiti') | undefined> {
  try {
    return await import('jiti');
  } catch {
    try {
      return (await import(pathToFileURL(createRequire(file).resolve('jiti')).href)) as typeof import('jiti');
    } catch {
      return undefined;
    }
  }
}

/** `exports.default = …`, as compilers write it. */
const isTranspiled = (exported: unknown): exported is { default: unknown } =>
  typeof exported === 'object' && exported !== null && '__esModule' in exported && 'default' in exported;
