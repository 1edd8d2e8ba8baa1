// What this cordon can do, asked from outside: the commands that its help lists, the keys of its schema, the signals that its
// supervisor has a handler for. What is not there is said to be not there, and never passes.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { command, startFleet } from './fleet.mjs';
import { handles } from './proc.mjs';

const SIGNALS = ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2'];

const schemaOf = (cordon) => JSON.parse(readFileSync(join(cordon, 'dist', 'config', 'config.schema.json'), 'utf8'));

/** Every key of the configuration, dotted. */
function keysOf({ properties = {} }, prefix = '') {
  return Object.entries(properties).flatMap(([key, value]) => [
    `${prefix}${key}`,
    ...keysOf(value, `${prefix}${key}.`),
  ]);
}

/** What a program may import of `cordon/worker`. */
async function offersOf(cordon) {
  try {
    return Object.keys(await import(pathToFileURL(join(cordon, 'dist', 'worker', 'index.js')))).map(
      (name) => `worker:${name}`,
    );
  } catch {
    return [];
  }
}

/** Names such as `signal:SIGHUP`, `command:reload`, `key:stop.linger`. */
export async function whatIsThere({ node, cordon }) {
  const help = (await command({ node, cordon }, ['--help'])).said;
  const commands = [...help.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => `command:${name}`);
  const fleet = await startFleet({ node, cordon, workers: 1 });
  try {
    const signals = SIGNALS.filter((name) => handles(fleet.child.pid, constants.signals[name]));
    return new Set([
      ...commands,
      ...(await offersOf(cordon)),
      ...keysOf(schemaOf(cordon)).map((key) => `key:${key}`),
      ...signals.map((name) => `signal:${name}`),
    ]);
  } finally {
    await fleet.stop();
  }
}

export const missing = (needs = [], there) => needs.filter((need) => !there.has(need));

/** The configuration without what this cordon does not know, which it would refuse. */
export function known(config, there, prefix = '') {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => {
      if (!there.has(`key:${prefix}${key}`)) return [];
      const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [[key, isSection ? known(value, there, `${prefix}${key}.`) : value]];
    }),
  );
}
