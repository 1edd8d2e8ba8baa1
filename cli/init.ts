// `cordon init`: writes a first configuration, every key explained. It never overwrites anything.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { findConfigs } from '../config/file.js';
import { type StarterLanguage, starter } from '../config/starter.js';

export function init(name = 'cordon.config.mjs'): ExitCode {
  const file = resolve(name);
  const [other] = findConfigs(dirname(file)).filter((found) => found !== file);
  if (other !== undefined && basename(file).startsWith('cordon.config.')) {
    throw new OperatorError(
      `${basename(other)} is there already; two configurations in one folder are refused`,
      ExitCode.cannotCreate,
    );
  }
  writeNew(file, starter(languageOf(file), scriptOf(dirname(file))));
  process.stdout.write(`${name}: written; \`cordon check\` tells what is wrong with it, \`cordon start\` runs it\n`);
  return ExitCode.ok;
}

/** Where something is there already, even by a hair, it stays. */
export function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already; move it away first' : `cannot be written (${code})`;
    throw new OperatorError(`${relative(process.cwd(), file)} ${why}`, ExitCode.cannotCreate);
  }
}

function languageOf(file: string): StarterLanguage {
  if (/\.ya?ml$/.test(file)) return 'yaml';
  if (file.endsWith('.cjs')) return 'common';
  if (/\.m?[jt]s$/.test(file)) return knowsCordon(file) ? 'typed' : 'module';
  throw new OperatorError(
    `${basename(file)}: expected a file that takes comments, a .mjs, .js, .cjs, .mts, .ts, .yaml or .yml`,
    ExitCode.usage,
  );
}

/** Started by npx from elsewhere, the project may not have cordon among its packages. */
function knowsCordon(file: string): boolean {
  try {
    createRequire(file).resolve('cordon/config');
    return true;
  } catch {
    return false;
  }
}

/** The package's main, or what servers are usually called. */
function scriptOf(folder: string): string {
  const names = ['server', 'index', 'app', 'main'].flatMap((name) =>
    ['js', 'mjs', 'cjs', 'ts'].map((ending) => `${name}.${ending}`),
  );
  const found = [mainOf(folder), ...names, 'dist/server.js', 'dist/index.js', 'src/server.js', 'src/index.js'].find(
    (name) => name !== undefined && existsSync(join(folder, name)),
  );
  return `./${join(found ?? 'server.js')}`;
}

function mainOf(folder: string): string | undefined {
  try {
    const { main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { main?: unknown };
    return typeof main === 'string' ? main : undefined;
  } catch {
    return undefined;
  }
}
