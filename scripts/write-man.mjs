// Writes the man page from what the commands themselves say with --help, so that it cannot say anything else.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const help = (...words) =>
  execFileSync(process.execPath, [main, ...words, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1' },
  });

/** A dot or a quote at the beginning of a line, and every backslash, mean something to roff. */
const escaped = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

/** Help as commander prints it: paragraphs, a heading with a colon, rows of a term and what it means, examples. */
function roff(text) {
  const lines = [];
  let row = false;
  for (const line of text.split('\n')) {
    const [, term, meaning] = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/.exec(line) ?? [];
    if (line.trim() === '') {
      row = false;
      lines.push('.PP');
    } else if (/^[A-Z][\w ]*:$/.test(line)) lines.push('.PP', `.B ${escaped(line)}`);
    else if (line.startsWith('  $ ')) lines.push('.nf', `.RS 4\n${escaped(line.slice(4))}\n.RE`, '.fi');
    else if (/^ {10,}\S/.test(line) && row) lines.push(escaped(line.trim()));
    else if (term !== undefined) {
      row = true;
      lines.push('.TP', `.B ${escaped(term)}`, ...(meaning === undefined ? [] : [escaped(meaning)]));
    } else lines.push(escaped(line.replace(/^Usage: (.*)$/, '$1')));
  }
  return lines.filter((line, i) => line !== '.PP' || lines[i - 1] !== '.PP').join('\n');
}

const top = help();
const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(top) ?? [];
const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);
const page = [
  `.TH CORDON 1 "" "cordon ${version}" "User Commands"`,
  '.SH NAME',
  'cordon \\- runs a Node.js server as a fleet of workers in which a failing request costs nobody else anything',
  '.SH SYNOPSIS',
  '.B cordon',
  '.I command',
  '[options]',
  '.SH COMMANDS',
  ...names.flatMap((name) => [`.SS ${name}`, roff(help(name))]),
  '.SH EXIT STATUS',
  '0 done, 1 understood and failed, 3 not running (status), 64 wrong usage, 69 no such supervisor, 70 a bug in cordon, 73 cannot create, 74 input or output failed, 75 already running, 77 permission denied, 78 bad configuration, 128 + n ended by signal n.',
  '.SH FILES',
  '.TP',
  '.I $RUNTIME_DIRECTORY/<name>.sock, $XDG_RUNTIME_DIR/cordon/<name>.sock, /tmp/cordon\\-<uid>/<name>.sock',
  'The control socket: the first place of these that there is.',
  '',
].join('\n');
mkdirSync(new URL('../dist/man/', import.meta.url), { recursive: true });
writeFileSync(new URL('../dist/man/cordon.1', import.meta.url), page);
