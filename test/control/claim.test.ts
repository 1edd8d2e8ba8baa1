import { linkSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ExitCode, type OperatorError } from '../../config/exit-code.js';
import { answers, claim } from '../../supervisor/control/claim.js';
import { ask, privateFolder } from '../support/control.js';
import { fixture, startFleet } from '../support/fleet.js';

function server(t: ExecutionContext, says = ''): Server {
  const made = createServer((_request, response) => response.end(says));
  t.teardown(() => {
    made.close();
    made.closeAllConnections();
  });
  return made;
}

const owner = { mode: 0o600 };

/** A socket file whose process is gone: closing a server removes its path, and not a second name of it. */
async function leaveStale(path: string): Promise<void> {
  const dead = createSocket();
  await new Promise<void>((done) => void dead.listen(`${path}-first`, done));
  linkSync(`${path}-first`, path);
  await new Promise((done) => void dead.close(done));
}

test('the socket answers, has the mode that was asked for, and is gone after its release', async (t) => {
  const folder = privateFolder(t);
  for (const mode of [0o600, 0o660]) {
    const path = join(folder, `${mode}.sock`);
    const claimed = await claim(server(t, 'here'), path, { mode });
    t.is(lstatSync(path).mode & 0o777, mode);
    t.is((await ask({ socketPath: path }, 'GET', '/')).text, 'here');
    claimed.release();
    t.false(await answers(path));
  }
  t.deepEqual(readdirSync(folder), []);
});

test('a path at which somebody answers is not taken: exit code 75, and the first goes on', async (t) => {
  const path = join(privateFolder(t), 'api.sock');
  await claim(server(t, 'first'), path, owner);
  const error = await t.throwsAsync<OperatorError>(claim(server(t), path, owner));
  t.is(error.exitCode, ExitCode.alreadyRunning);
  t.regex(error.message, /^already running: a supervisor answers at .*api\.sock\. Stop it with `cordon stop`, or give/);
  t.is((await ask({ socketPath: path }, 'GET', '/')).text, 'first');
});

test('a socket that nobody answers at is taken over', async (t) => {
  const folder = privateFolder(t);
  const path = join(folder, 'api.sock');
  await leaveStale(path);
  await claim(server(t, 'new'), path, owner);
  t.is((await ask({ socketPath: path }, 'GET', '/')).text, 'new');
  t.deepEqual(readdirSync(folder), ['api.sock']);
});

test('what is no socket is left alone', async (t) => {
  const path = join(privateFolder(t), 'api.sock');
  writeFileSync(path, 'precious');
  const error = await t.throwsAsync<OperatorError>(claim(server(t), path, owner));
  t.is(error.exitCode, ExitCode.cannotCreate);
  t.true(lstatSync(path).isFile());
});

test('a successor waits beside the socket, takes its place at once, and its predecessor leaves it alone', async (t) => {
  const folder = privateFolder(t);
  const path = join(folder, 'api.sock');
  const old = await claim(server(t, 'old'), path, owner);
  const follower = await claim(server(t, 'new'), path, owner, true);
  t.is((await ask({ socketPath: path }, 'GET', '/')).text, 'old');
  follower.take();
  t.is((await ask({ socketPath: path }, 'GET', '/')).text, 'new');
  old.release();
  t.is((await ask({ socketPath: path }, 'GET', '/')).text, 'new');
  follower.release();
  t.deepEqual(readdirSync(folder), []);
});

test('of two supervisors that find the same old socket, one starts and the other ends with 75', async (t) => {
  const first = startFleet(t, [fixture('process/busy.mjs'), '-w', '1', '--name', 'before']);
  await first.ready();
  first.child.kill('SIGKILL');
  await first.ended;
  const env = { XDG_RUNTIME_DIR: first.runtime };
  const words = [fixture('process/busy.mjs'), '-w', '1', '--name', 'before'];
  const both = [startFleet(t, words, { env }), startFleet(t, words, { env })];
  const loser = await Promise.race(both.map(async (fleet) => ({ fleet, code: await fleet.ended })));
  t.is(loser.code, 75);
  t.regex(loser.fleet.stderr(), /^cordon: already running: .*\n$/);
  const winner = both.find((fleet) => fleet !== loser.fleet);
  await winner?.ready();
  t.true(await answers(join(first.runtime, 'cordon', 'before.sock')));
  t.is(await winner?.stop(), 0);
  t.deepEqual(readdirSync(join(first.runtime, 'cordon')), []);
});
