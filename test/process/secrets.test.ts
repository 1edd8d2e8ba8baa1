// A secret is for the program. Nobody else hears of it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { folderOf } from '../support/config.js';
import { fixture, startFleet } from '../support/fleet.js';

test('secrets reach the program, and neither the log at its most talkative nor stderr', async (t) => {
  const folder = folderOf(t, {
    'secrets/key': 'hunter2\n',
    'vars.env': 'TOKEN=hunter3\n',
    'credentials/db': 'hunter4',
  });
  const config = {
    script: fixture('config/secretive.cjs'),
    workers: 1,
    envFile: 'vars.env',
    env: { KEY: { file: 'secrets/key' }, DB: { credential: 'db' }, FILLED: '${FILLED}', OUT: join(folder, 'seen') },
  };
  writeFileSync(join(folder, 'cordon.config.json'), JSON.stringify(config));
  mkdirSync(join(folder, 'seen'));
  const fleet = startFleet(t, ['--log-level', 'trace', join(folder, 'cordon.config.json')], {
    env: { CREDENTIALS_DIRECTORY: join(folder, 'credentials'), FILLED: 'hunter5' },
  });
  await fleet.ready();
  t.is(readFileSync(join(folder, 'seen/variables'), 'utf8'), 'hunter2 hunter3 hunter4 hunter5');
  // An error, so that the book and the log have something to tell.
  await fleet.line(/secretive error/);
  await fleet.stop();
  t.notRegex(JSON.stringify(fleet.lines) + fleet.stderr(), /hunter\d/);
});
