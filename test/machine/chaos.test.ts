// The chaos suite in short: what is done to a fleet under load costs nobody a request. `npm run chaos` takes the long way, and
// knows the bars that are a matter of milliseconds.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { root } from '../support/fleet.js';

/** Exit code 2 says that something is not there yet; what there is must hold all the same. */
const promises = {
  faults: 'no request is lost while others fail',
  sigkill: 'a killed worker loses what it had in flight, and nobody else loses anything',
  sigterm: 'a stop under load loses nothing that it was asked before',
  upgrade: 'the supervisor is replaced under load, and nobody loses anything',
};

for (const server of ['http', 'fastify']) {
  for (const [scenario, promise] of Object.entries(promises)) {
    test.serial(`${promise} (${server})`, async (t) => {
      t.timeout(120_000);
      const orders = [
        '--scenario',
        scenario,
        '--server',
        server,
        '--requests',
        '1500',
        '--seconds',
        '45',
        '--short',
        '--log',
      ];
      const child = spawn(process.execPath, [`${root}bench/chaos/main.mjs`, ...orders], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.teardown(async () => {
        if (child.exitCode !== null || !child.kill('SIGTERM')) return;
        await once(child, 'close');
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      const [code] = (await once(child, 'close')) as [number];
      t.true(code === 0 || code === 2, said);
      t.regex(said, /^ {2}0 lost of [1-9],\d{3} /m, said);
      t.notRegex(said, /MISSED/);
    });
  }
}
