// As in a container: process 1 of its own namespaces, nobody's user, a root that is read-only and has no shell. `npm run container` does
// the same with an image that contrib/docker/Dockerfile has built.
import { accessSync, constants, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Container, lackOfLimits, runContainer } from '../support/container.js';
import { root } from '../support/fleet.js';
import { bare, built, type Image } from '../support/image.js';
import { podOf } from '../support/manifest.js';

/** `1`, or the folder of a Debian that debootstrap has made. */
const FULL = process.env['CONTAINER_BUILT'] ?? '';
const MB = 1024 ** 2;

function lack(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a container needs Linux, and root';
  for (const file of [
    '/usr/bin/unshare',
    '/usr/bin/nsenter',
    '/usr/bin/setpriv',
    ...(FULL !== '' ? ['/usr/sbin/debootstrap'] : []),
  ])
    try {
      accessSync(file, constants.X_OK);
    } catch {
      return `${file} is not there`;
    }
  return undefined;
}

let image: Promise<Image> | undefined;
const removes: (() => void)[] = [];
const all = { teardown: (remove: () => void) => void removes.push(remove) };
const pod = podOf(readFileSync(`${root}contrib/kubernetes/deployment.yaml`, 'utf8'));

test.after.always(() => {
  for (const remove of removes) remove();
});
/** Built once, for all of them. */
const imageOf = (t: ExecutionContext): Image | Promise<Image> =>
  FULL !== '' ? (image ??= built(all, FULL.startsWith('/') ? FULL : undefined)) : bare(t);

function contained(title: string, why: string | undefined, story: (t: ExecutionContext) => Promise<void>): void {
  if (why === undefined) test.serial(title, story);
  else if (process.env['CI'] === undefined) test.skip(`${title} (not run: ${why})`, story);
  else test(title, (t) => t.fail(why));
}

const ask = async (container: Container, path = '/') => {
  const [, port] = await container.line(/"msg":"port (\d+)"/);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  return (await response.json()) as { pid: number; uid: number; heapLimit: number };
};

contained(
  'process 1 on a read-only root without a shell: it serves, logs JSON, is found healthy, and ends with 0 at a SIGTERM',
  lack(),
  async (t) => {
    const made = await imageOf(t);
    // Volumes of a pod belong to root, and everybody may write to them.
    const volumes = Object.fromEntries(pod.mounts.map((at) => [at, 'mode=0777']));
    const env = { ...pod.env, PORT: '0', CORDON_METRICS_LISTEN: '127.0.0.1:0' };
    const container = runContainer(t, made, { env, volumes, args: ['-w', '2'] });
    await container.line(/is ready \(2 of 2\)/);
    t.is((await ask(container)).uid, made.stage.user[0]);
    const healthy = await container.exec(made.stage.healthcheck);
    t.is(healthy.code, 0, healthy.stdout);
    container.kill('SIGTERM');
    t.is(await container.ended, 0);
    const told = container.lines.map((line) => JSON.parse(line) as { msg: string; level: string });
    t.regex(told.map(({ msg }) => msg).join('\n'), /pid 1\) runs \/app\/server\.js in 2 workers/);
    t.is(told.at(-1)?.msg, 'stopped: no worker is left');
    t.deepEqual(
      told.filter(({ level }) => level !== 'info'),
      [],
    );
    t.is(container.stderr(), '');
  },
);

contained(
  'process 1: a check while nothing is ready is not healthy, and SIGQUIT ends it at once with 131',
  lack(),
  async (t) => {
    const made = await imageOf(t);
    const container = runContainer(t, made, { env: { PORT: '0' }, args: ['-w', '1', '--ready', 'message'] });
    await container.line(/port \d+/);
    t.is((await container.exec(made.stage.healthcheck)).code, 1);
    container.kill('SIGQUIT');
    t.is(await container.ended, 131);
  },
);

contained(
  'the quota of the cgroup is the number of workers, rounded down and said, and its memory is their heap',
  lack() ?? lackOfLimits(),
  async (t) => {
    const made = await imageOf(t);
    const container = runContainer(t, made, { env: { PORT: '0' }, limits: { cores: 1.5, memory: 512 * MB } });
    await container.line(/in 1 worker \(the cgroup grants 1\.5 cores; a worker is a whole one\)/);
    await container.line(/is ready \(1 of 1\)/);
    const { heapLimit } = await ask(container);
    // Three quarters of it, and what V8 adds for its young objects.
    t.true(heapLimit >= 384 * MB && heapLimit < 512 * MB, `${heapLimit / MB}`);
    container.kill('SIGTERM');
    t.is(await container.ended, 0);
  },
);

contained(
  "one worker's end by want of memory costs the container nothing else",
  lack() ?? lackOfLimits(),
  async (t) => {
    const made = await imageOf(t);
    const container = runContainer(t, made, {
      env: { PORT: '0' },
      args: ['-w', '2'],
      limits: { memory: 400 * MB },
    });
    await container.line(/is ready \(2 of 2\)/);
    const eaten = ask(container, '/eat');
    await t.throwsAsync(eaten);
    const [, worker] = await container.line(/"worker":(\d+),.*died.*SIGKILL/);
    const [, other] = await container.line(new RegExp(`"worker":(?!${worker},)([12]),.* is ready`));
    t.not(worker, other);
    await container.line(/worker 3 is ready \(2 of 2\)/);
    t.true((await ask(container)).pid > 1);
    container.kill('SIGTERM');
    t.is(await container.ended, 0);
  },
);
