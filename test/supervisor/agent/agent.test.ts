// What HAProxy's agent-check hears.
import { once } from 'node:events';
import net from 'node:net';
import test from 'ava';
import { Agent } from '../../../supervisor/agent/agent.js';
import { answer } from '../../../supervisor/agent/answer.js';
import { booting, Story, serving } from '../../support/story.js';

test('the weight follows the share of workers that serve', (t) => {
  t.is(answer(booting(4).fleet, 'up'), 'down #no worker is ready\n');
  t.is(answer(serving(4).fleet, 'up'), 'up ready 100%\n');
  t.is(answer(serving(4).crashed(1).fleet, 'up'), 'up ready 75%\n');
  t.is(answer(serving(3).crashed(1, 2).fleet, 'up'), 'up ready 33%\n');
  t.is(answer(new Story(2, { standby: 1 }).ready(1, 2).fleet, 'up'), 'up ready 100%\n', 'who stands by is not missed');
  t.is(answer(serving(4).fleet, 'leaving'), 'drain\n', 'stop.delay runs');
  t.is(answer(serving(4).fleet, 'maintenance'), 'maint\n');
  t.is(answer(serving(4).tell({ type: 'stop-asked' }).fleet, 'leaving'), 'drain\n');
});

const asked = async (port: number): Promise<string> => {
  let text = '';
  const socket = net.connect(port, '127.0.0.1').setEncoding('utf8');
  socket.on('data', (part: string) => (text += part));
  await once(socket, 'close');
  return text;
};

test('each connection gets one line, and a successor the address as soon as it is let go', async (t) => {
  const first = new Agent(() => 'up ready 50%\n');
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, 'close');
  const address = { host: '127.0.0.1', port };
  await first.open(address, 0);
  t.is(await asked(port), 'up ready 50%\n');
  await t.throwsAsync(new Agent(() => '').open(address, 0), { message: /the address is taken/ });
  const second = new Agent(() => 'up ready 100%\n');
  const opened = second.open(address, 20_000);
  first.close();
  await opened;
  t.is(await asked(port), 'up ready 100%\n');
  second.close();
});
