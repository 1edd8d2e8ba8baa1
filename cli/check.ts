// `cordon check`: everything that is wrong with a configuration, or that nothing is. It starts nothing.
import { relative } from 'node:path';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { findConfigs } from '../config/file.js';
import { type Loaded, loadApps } from '../config/load.js';
import { say } from './complain.js';
import { flagSource } from './start.js';

export interface CheckFlags {
  readonly mode?: string;
  readonly json?: boolean;
}

export async function check(file: string | undefined, { mode, json = false }: CheckFlags): Promise<ExitCode> {
  try {
    const { apps, file: read = '', notes } = await loadHere(file, mode);
    const names = apps.map(({ name }) => name);
    if (json) print({ version: 1, problems: [], notes, apps: names });
    else {
      for (const note of notes) say(note);
      const what = names.length === 1 ? names[0] : `${names.length} apps, ${names.join(', ')}`;
      process.stdout.write(`${relative(process.cwd(), read) || read}: nothing is wrong (${what})\n`);
    }
    return ExitCode.ok;
  } catch (error) {
    if (!json || !(error instanceof OperatorError)) throw error;
    print({ version: 1, problems: error.message.split('\n'), notes: [], apps: [] });
    return error.exitCode;
  }
}

/** What a file says where it would be started from here, without flags. Throws an OperatorError. */
export function loadHere(file: string | undefined, mode: string | undefined): Promise<Loaded> {
  const folder = process.cwd();
  if (file === undefined && findConfigs(folder).length === 0) {
    const says =
      'no configuration in this folder: expected a cordon.config.* or a key `cordon` in package.json; `cordon init` writes one';
    throw new OperatorError(says, ExitCode.usage);
  }
  return loadApps({
    file,
    mode,
    flags: flagSource({}, undefined, [], folder),
    environment: process.env,
    folder,
    terminal: false,
  });
}

export function print(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
