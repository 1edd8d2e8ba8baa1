// Whether a machine is to get requests, as a real fleet tells it: by its quorum, and in maintenance.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'ava';
import type { StatusReply } from '../../supervisor/control/protocol.js';
import { ask as get } from '../support/client.js';
import { cordon, stopAll } from '../support/cordon.js';
import { fixture, runtimeFolder } from '../support/fleet.js';
import { gone } from '../support/processes.js';
import { freePort } from '../support/proxy.js';

const agentSays = async (port: number): Promise<string> => {
  let text = '';
  const socket = net.connect(port, '127.0.0.1').setEncoding('utf8');
  socket.on('data', (part: string) => (text += part));
  await once(socket, 'close');
  return text;
};

test('with half as its quorum a fleet is ready while half serve; maintenance is told to all, and holds through an upgrade', async (t) => {
  const runtime = runtimeFolder(t);
  const [port, agent, probes] = [await freePort(), await freePort(), await freePort()];
  const config = path.join(runtime, 'cordon.config.json');
  writeFileSync(
    config,
    JSON.stringify({
      script: fixture('process/one-of-two.mjs'),
      name: 'half',
      workers: 2,
      ready: { quorum: '50%' },
      env: { RELEASE: path.join(runtime, 'all'), PORT: port },
      agent: { listen: [`127.0.0.1:${agent}`] },
      metrics: { listen: `127.0.0.1:${probes}` },
    }),
  );
  t.teardown(() => stopAll(runtime));
  const environment = { XDG_STATE_HOME: path.join(runtime, 'state'), STATE_DIRECTORY: '', LOGS_DIRECTORY: '' };
  const started = await cordon(t, { runtime }, ['start', '--daemon', '-c', config], environment);
  t.is(started.code, 0, started.err);
  const socketPath = path.join(runtime, 'cordon', 'half.sock');
  const status = async (): Promise<StatusReply> => {
    const answer = await get(t, { port: 0, socketPath }, '/v1/status');
    if (answer.became === 'broken') throw new Error(answer.why);
    return JSON.parse(answer.body) as StatusReply;
  };
  const ready = async (): Promise<unknown> => {
    const answer = await get(t, { port: probes }, '/readyz');
    return answer.became === 'answered' ? answer.status : answer.why;
  };
  const { pid } = await status();
  t.like(await status(), { ready: true, serving: 1, size: 2, maintenance: false });
  t.is(await ready(), 200);
  t.is(await agentSays(agent), 'up ready 50%\n');

  const on = await cordon(t, { runtime }, ['maint', 'on']);
  t.regex(on.out, /^half is in maintenance/);
  t.like(await status(), { ready: false, maintenance: true });
  t.is(await ready(), 503);
  t.is(await agentSays(agent), 'maint\n');
  t.like(await get(t, { port }, '/ok'), { status: 200 }, 'who comes all the same is served');
  t.regex((await cordon(t, { runtime }, ['status'])).out, /maintenance/);

  // Its quorum is enough for a successor, too: the second worker of neither ever listens.
  const upgraded = await cordon(t, { runtime }, ['upgrade']);
  t.is(upgraded.code, 0, upgraded.err);
  await gone([pid]);
  t.like(await status(), { ready: false, maintenance: true });
  t.is(await agentSays(agent), 'maint\n');
  t.regex((await cordon(t, { runtime }, ['maint', 'half', 'off'])).out, /^half is out of maintenance/);
  t.is(await agentSays(agent), 'up ready 50%\n');
  t.is(await ready(), 200);
  t.is((await cordon(t, { runtime }, ['maint', 'up'])).code, 64);
  const successor = (await status()).pid;
  t.is((await cordon(t, { runtime }, ['stop', '--now'])).code, 0);
  await gone([successor]);
});
