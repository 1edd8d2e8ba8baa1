// A folder with releases, as a deployment leaves them: `current` is a link to one of them, and a configuration lies beside it.
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { ask } from './client.js';
import { type Fleet, fixture, startFleet } from './fleet.js';

export interface Site {
  readonly folder: string;
  /** Lets `current` point to a release that is what `how` says. */
  release(name: string, how?: object): void;
  configure(config: object): void;
}

export function site(t: ExecutionContext, config: object = {}): Site {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const release: Site['release'] = (name, how = {}) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'release.json'), JSON.stringify({ name, ...how }));
    symlinkSync(fixture('process/releases.mjs'), join(folder, name, 'server.mjs'));
    symlinkSync(name, join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'current'));
  };
  const configure: Site['configure'] = (more) => {
    const whole = { script: fixture('process/releases.mjs'), cwd: 'current', workers: 2, ...more };
    writeFileSync(join(folder, 'cordon.config.json'), JSON.stringify(whole));
  };
  configure(config);
  return { folder, release, configure };
}

export async function start(
  t: ExecutionContext,
  { folder }: Site,
): Promise<{ fleet: Fleet; target: { port: number } }> {
  const fleet = startFleet(t, [], { cwd: folder });
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

interface Told {
  readonly name: string;
  readonly folder: string;
  readonly extra: string | null;
}

export async function told(t: ExecutionContext, target: { port: number }): Promise<Told> {
  const outcome = await ask(t, target, '/');
  return JSON.parse(outcome.became === 'answered' ? outcome.body : '{}') as Told;
}
