// Configurations as an operator meets them: files in a folder of their own, loaded, or refused with sentences.
import { type ExecFileOptions, execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { flagSource, type StartFlags } from '../../cli/start.js';
import type { Config } from '../../config/config.js';
import { OperatorError } from '../../config/exit-code.js';
import { type Loaded, loadApps, oneOf } from '../../config/load.js';

export interface Wanted {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly file?: string;
  readonly script?: string;
  readonly flags?: StartFlags;
  readonly environment?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly deadlineMs?: number;
  readonly mode?: string;
  readonly only?: string;
}

/** A folder with a server.js and these files; a word for it stands in for its path. */
export function folderOf(t: ExecutionContext, files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-config-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ 'server.js': '', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const asked = (folder: string, { file, script, flags = {}, environment = {}, ...rest }: Wanted) => ({
  file,
  flags: flagSource(flags, script, [], folder),
  environment,
  folder,
  terminal: false,
  cores: 4,
  ...rest,
});

export const loading = async (folder: string, wanted: Wanted): Promise<Config> =>
  oneOf(await loadApps(asked(folder, wanted)), wanted.file !== undefined);

/** Every app of a file, as `loadApps` gives them. */
export const loadedApps = (t: ExecutionContext, wanted: Wanted): Promise<Loaded> =>
  loadApps(asked(folderOf(t, wanted.files), wanted));

export async function loaded(t: ExecutionContext, wanted: Wanted): Promise<Config & { folder: string }> {
  const folder = folderOf(t, wanted.files);
  return { ...(await loading(folder, wanted)), folder };
}

/** The sentences, and the exit code. */
export async function refused(
  t: ExecutionContext,
  wanted: Wanted,
): Promise<readonly [says: string[], exitCode: number]> {
  const folder = folderOf(t, wanted.files);
  const error = await t.throwsAsync(loadApps(asked(folder, wanted)), { instanceOf: OperatorError });
  return [(error?.message ?? '').replaceAll(folder, '<folder>').split('\n'), error?.exitCode ?? -1];
}

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** The real command, run in a folder to its end. The folder is `<folder>` in what it says. */
export function command(folder: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { cwd: folder, env: {}, ...options, encoding: 'utf8' },
      (_error, out, err) => {
        const [shownOut, shownErr] = [out, err].map((text) => text.replaceAll(folder, '<folder>'));
        resolve({ code: child.exitCode, out: shownOut ?? '', err: shownErr ?? '' });
      },
    );
  });
}
