// `cordon import`: pm2's file as one of cordon's, and a sentence for everything that is not taken over.
import { readdirSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, relative, resolve } from 'node:path';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { isPm2Name, readConfig } from '../config/file.js';
import { fromPm2 } from '../config/pm2/convert.js';
import { refusal } from '../config/problem.js';
import { say } from './complain.js';
import { writeNew } from './init.js';

export interface ImportFlags {
  readonly output?: string;
}

type App = Readonly<Record<string, unknown>>;

export async function importFrom(named: string | undefined, { output }: ImportFlags): Promise<ExitCode> {
  const folder = process.cwd();
  const file = resolve(named ?? findEcosystem(folder));
  const form = formOf(output ?? 'cordon.config.mjs');
  const circumstances = { folder, environment: process.env, mode: undefined, deadlineMs: 10_000, pm2: true };
  const source = await readConfig(file, circumstances);
  if (source.problems.length > 0) throw refusal(source.problems);
  const { value, notes, problems } = fromPm2(source.value);
  const called = source.place([], 'value');
  for (const sentence of [...notes, ...problems]) say(`${called}: ${sentence}`);
  if (value.apps.length === 0) throw new OperatorError(`${called}: no app that cordon can run`, ExitCode.badConfig);
  const apps = value.apps.map((app) =>
    moved(app, dirname(file), output === undefined ? dirname(file) : dirname(resolve(output))),
  );
  const [first = {}] = apps;
  const text = await form(apps.length === 1 ? first : { apps }, [
    `From ${basename(file)} of pm2.`,
    ...[...notes, ...problems].map((note) => `- ${note}`),
  ]);
  if (output === undefined) process.stdout.write(text);
  else {
    writeNew(resolve(output), text);
    say(`${output}: written; \`cordon check ${output}\` tells what is wrong with it`);
  }
  return problems.length > 0 ? ExitCode.failed : ExitCode.ok;
}

function findEcosystem(folder: string): string {
  const [found, another] = readdirSync(folder).filter(isPm2Name);
  if (found !== undefined && another === undefined) return found;
  const says =
    found === undefined
      ? 'no ecosystem file of pm2 in this folder; name one, as in `cordon import ~/.pm2/dump.pm2`'
      : `more than one file of pm2 in this folder (${found}, ${another}); name one`;
  throw new OperatorError(says, ExitCode.usage);
}

/** Paths begin in the folder of their file; in another folder they are written from there. */
function moved(app: App, from: string, to: string): App {
  if (from === to) return app;
  const path = (value: unknown): unknown =>
    typeof value !== 'string' || isAbsolute(value) ? value : relative(to, resolve(from, value)) || '.';
  // Without one of its own, an app ran in the folder of its file.
  return { ...app, script: path(app['script']), cwd: path(app['cwd'] ?? '.') };
}

type Form = (config: App, comments: readonly string[]) => string | Promise<string>;

const code: Form = (config, comments) =>
  `${comments.map((line) => `// ${line}\n`).join('')}export default ${JSON.stringify(config, null, 2)};\n`;

const json: Form = (config) => `${JSON.stringify(asData(config), null, 2)}\n`;

const yaml: Form = async (config, comments) => {
  const { stringify } = await import('yaml');
  return `${comments.map((line) => `# ${line}\n`).join('')}${stringify(asData(config))}`;
};

const forms: Readonly<Record<string, Form>> = { '.mjs': code, '.json': json, '.yaml': yaml, '.yml': yaml };

function formOf(output: string): Form {
  const form = forms[extname(output)];
  if (form === undefined)
    throw new OperatorError(`--output: expected a .mjs, .json, .yaml or .yml, got ${output}`, ExitCode.usage);
  return form;
}

/** In data, `${` asks for a variable; pm2 knows nothing of that. */
function asData(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', '$${');
  if (Array.isArray(value)) return value.map(asData);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asData(inner)]));
}
