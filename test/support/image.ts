// The root of a container, made without an engine. `bare` puts in what the last stage of contrib/docker/Dockerfile would find there,
// and nothing else: no shell, no tool. `built` carries the Dockerfile out, step by step, in a Debian of its own.
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Stage, type Step, stagesOf } from './dockerfile.js';
import { root as project } from './fleet.js';

const run = promisify(execFile);

export interface Image {
  readonly root: string;
  /** `source=place`, seen read-only. */
  readonly binds: readonly string[];
  readonly stage: Stage;
}

const context = path.join(project, 'test/fixtures/container');
/** Where a container's file systems are mounted. */
const PLACES = ['proc', 'dev', 'sys/fs/cgroup', 'tmp'];
const NODE = '/nodejs/bin/node';

const stages = (): Stage[] => stagesOf(readFileSync(path.join(project, 'contrib/docker/Dockerfile'), 'utf8'));

/** Hears how what was made is removed. */
interface Owner {
  teardown(remove: () => void): void;
}

function folder(t: Owner): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'cordon-image-'));
  chmodSync(made, 0o755);
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function prepare(root: string): void {
  for (const place of PLACES) mkdirSync(path.join(root, place), { recursive: true });
}

export function bare(t: Owner): Image {
  const root = folder(t);
  const stage = stages().at(-1) as Stage;
  prepare(root);
  for (const step of stage.steps) if (step.does === 'copy') mkdirSync(path.join(root, step.to), { recursive: true });
  const libraries = [...execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)];
  const files = [`${process.execPath}=${NODE}`, ...libraries.map(([, file]) => `${file}=${file}`)];
  for (const file of files) {
    const place = path.join(root, file.slice(file.indexOf('=') + 1));
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, '');
  }
  const app = path.join(root, stage.workdir);
  cpSync(context, app, { recursive: true });
  mkdirSync(path.join(app, 'node_modules/cordon'), { recursive: true });
  return { root, binds: [...files, `${project.replace(/\/$/, '')}=${stage.workdir}/node_modules/cordon`], stage };
}

async function debootstrapped(home: string): Promise<string> {
  const debian = path.join(home, 'debian');
  const mirror = process.env['DEBIAN_MIRROR'] ?? 'http://deb.debian.org/debian';
  await run('/usr/sbin/debootstrap', ['--variant=minbase', 'bookworm', debian, mirror], { maxBuffer: 16 << 20 });
  return debian;
}

/**
 * Every stage begins with a Debian of debootstrap and this Node; the last one is left without a shell, as its image is.
 * `given`: a tree of debootstrap's that is there already.
 */
export async function built(t: Owner, given?: string): Promise<Image> {
  const home = folder(t);
  const base = path.join(home, 'base');
  await run('cp', ['-a', given ?? (await debootstrapped(home)), base]);
  prepare(base);
  await furnish(base);
  await inRoot(base, '/context', 'npm install --package-lock-only --no-audit --no-fund /opt/cordon.tgz');
  const roots = new Map<string | undefined, string>();
  const all = stages();
  for (const stage of all) {
    const root = path.join(home, stage.name ?? 'last');
    await run('cp', ['-a', base, root]);
    roots.set(stage.name, root);
    for (const step of stage.steps) {
      if (step.does === 'run') await inRoot(root, stage.workdir, step.command);
      else await copy(step, stage, root, step.from === undefined ? path.join(base, 'context') : roots.get(step.from));
    }
  }
  const root = path.join(home, 'last');
  for (const shell of ['sh', 'bash', 'dash']) rmSync(path.join(root, 'bin', shell), { force: true });
  return { root, binds: [], stage: all.at(-1) as Stage };
}

async function copy(
  { sources, to, owner }: Extract<Step, { does: 'copy' }>,
  { workdir }: Stage,
  root: string,
  from: string | undefined,
): Promise<void> {
  if (from === undefined) throw new Error('COPY --from= a stage that is not there');
  const at = (place: string): string => path.join(root, path.resolve(workdir, place));
  for (const source of sources) {
    const place = at(to.endsWith('/') && source !== '.' ? path.join(to, path.basename(source)) : to);
    cpSync(path.join(from, source), place, { recursive: true, verbatimSymlinks: true });
    if (owner !== undefined) await run('chown', ['-R', owner, place]);
  }
}

/** Node where each of the two images has it, npm, this cordon as its package, and what is to be built. */
async function furnish(root: string): Promise<void> {
  const at = (place: string): string => path.join(root, place);
  mkdirSync(at('/nodejs/bin'), { recursive: true });
  cpSync(process.execPath, at(NODE));
  symlinkSync(NODE, at('/usr/local/bin/node'));
  const { stdout: global } = await run('npm', ['root', '-g']);
  cpSync(path.join(global.trim(), 'npm'), at('/usr/local/lib/npm'), { recursive: true, dereference: true });
  const npm = '#!/bin/sh\nexec /usr/local/bin/node /usr/local/lib/npm/bin/npm-cli.js "$@"\n';
  writeFileSync(at('/usr/local/bin/npm'), npm, { mode: 0o755 });
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', at('/opt'), project];
  const { stdout: tarball } = await run('npm', pack);
  renameSync(path.join(at('/opt'), tarball.trim()), at('/opt/cordon.tgz'));
  cpSync(context, at('/context'), { recursive: true });
  // How this machine reaches a registry.
  for (const place of ['/etc/resolv.conf', '/etc/hosts', '/etc/ssl'].filter((file) => existsSync(file)))
    await run('cp', ['-rL', place, at('/etc')]).catch(() => undefined);
}

/** As an engine runs it: by a shell, as root, on this machine's network. How npm reaches its registry is the caller's. */
async function inRoot(root: string, workdir: string, command: string): Promise<void> {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(?:npm_config_registry|\w+_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name),
  );
  const { stdout: registry } = await run('npm', ['config', 'get', 'registry']);
  const env = {
    ...Object.fromEntries(kept),
    npm_config_registry: registry.trim(),
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/root',
  };
  mkdirSync(path.join(root, workdir), { recursive: true });
  await run('/usr/bin/unshare', ['--mount', `--root=${root}`, `--wd=${workdir}`, '/bin/sh', '-c', command], {
    env,
    maxBuffer: 16 << 20,
  });
}
