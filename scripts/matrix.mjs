// Runs the test suite on every Node that cordon supports, or on those named: `npm run test:matrix -- 20 24`.
// Each comes from the npm package `node` into a cache, once. One line for each; what failed is shown beneath it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules', '.cache', 'nodes');
const wanted = process.argv.slice(2);
const versions = wanted.length > 0 ? wanted : ['20', '22', '24', '26'];

const run = (command, args, cwd = root) => spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });

/** What a run printed, or why it did not run at all. */
const told = ({ error, stdout, stderr }) => error?.message ?? [stdout, stderr].filter(Boolean).join('\n');

/** What this binary says it is: `v20.20.2`, or nothing where it does not run. */
const versionOf = (binary) => (existsSync(binary) ? run(binary, ['--version']).stdout?.trim() : undefined) || undefined;

/** The binary of a version, installed first where it is not there yet. */
function install(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version)) throw new Error('a version of Node is 24, 24.1 or 24.1.0');
  const home = join(cache, version);
  const binary = join(home, 'node_modules', 'node', 'bin', 'node');
  if (versionOf(binary) !== undefined) return binary;
  mkdirSync(home, { recursive: true });
  const flags = ['--prefix', home, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--foreground-scripts'];
  const installed = run('npm', ['install', ...flags, `node@${version}`], home);
  if (versionOf(binary) === undefined) throw new Error(`cannot install node@${version}:\n${told(installed)}`);
  return binary;
}

/** Runs the suite; returns whether it passed. */
function test(version) {
  const begun = performance.now();
  try {
    const binary = install(version);
    const result = run(binary, [join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs'), '--no-color']);
    const passed = result.status === 0;
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    const count = /^\s*(\d+ tests? .*)$/m.exec(result.stdout ?? '')?.[1] ?? '';
    console.log(`${passed ? 'pass' : 'FAIL'}  Node ${versionOf(binary)}  ${seconds} s  ${count}`);
    if (!passed) console.log(told(result));
    return passed;
  } catch (error) {
    console.log(`FAIL  Node ${version}  ${error.message}`);
    return false;
  }
}

const built = run('npm', ['run', 'build']);
if (built.status === 0) {
  const failed = versions.filter((version) => !test(version));
  console.log(`${versions.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} else {
  console.log(`FAIL  the build\n${told(built)}`);
  process.exitCode = 1;
}
