// What it is to go back to the generation before.
import { existsSync } from 'node:fs';
import { type ConfigKey, takes } from '../config/change.js';
import type { Config } from '../config/config.js';
import { getAt, setAt } from '../config/tree.js';
import type { Refusal } from './commands.js';
import type { Environment } from './environment.js';
import type { Release, Releases } from './releases.js';
import type { Fleet } from './state.js';

interface Way {
  /** The generation that ran it. */
  readonly of: number;
  readonly config: Config;
  readonly inherited: Environment;
}

/** Undefined where nothing is left to go back to, and why. */
export function wayBack(releases: Releases, { generation: serving, slots }: Fleet, now: Config): Way | Refusal {
  const mixed = slots.some((slot) => slot.generation !== serving);
  const former = mixed ? { generation: serving, release: releases.of(serving) } : releases.former;
  if (former === undefined) return { ok: false, why: 'this supervisor has run nothing else before' };
  const { generation, release } = former;
  const lost = [release.script, release.cwd].find((path) => !existsSync(path));
  if (lost !== undefined)
    return { ok: false, why: `what generation ${generation} ran is no longer there: ${lost} is gone` };
  return { of: generation, config: asIn(release, now), inherited: release.inherited };
}

/** What a worker is started with comes from the release; what holds for the whole fleet stays as it is now. */
export const asIn = (release: Release, now: Config): Config =>
  (Object.keys(takes) as ConfigKey[])
    .filter((key) => takes[key] === 'reload')
    .map((key) => key.split('.'))
    .reduce<unknown>((config, path) => setAt(config, path, getAt(release, path)), {
      ...now,
      secrets: release.secrets,
    }) as Config;
