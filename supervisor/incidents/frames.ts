// A stack, as V8 writes it, taken apart.

export interface Frame {
  /** Empty at the top level of a file. */
  readonly name: string;
  /** A path, or what V8 says instead: `node:net`, `<anonymous>`. */
  readonly file: string;
  /** From 1; 0 where V8 says none. */
  readonly line: number;
  readonly column: number;
}

const MAX_LINE = 1000;
const MAX_FRAMES = 100;

/** What of a stack comes after the message: whoever sent that might like to have some file shown. */
export function tailOf(message: string, stack = ''): string {
  const told = message.replace(/… \(cut\)$/, '');
  const at = told === '' ? -1 : stack.indexOf(told);
  return stack.slice(at === -1 ? 0 : at + told.length);
}

export function framesOf(message: string, stack = ''): Frame[] {
  return tailOf(message, stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, MAX_FRAMES)
    .map((line) => frame(line.slice(0, MAX_LINE)));
}

/** The program's own, not of Node or of a dependency. */
export const isOwn = ({ file }: Frame): boolean => file.includes('/') && !/\/node_modules\/|^node:/.test(file);

/** `    at async handler (file:///srv/app/a.js:3:7)` → `handler`, `/srv/app/a.js`, 3, 7 */
function frame(line: string): Frame {
  const text = line.trim().replace(/^at (?:async |new )?/, '');
  const [, name = '', place = text] = /^(.*?) \((.*)\)$/.exec(text) ?? [];
  const [, file = '', row = '0', column = '0'] = /^(.*?)(?::(\d+))?(?::(\d+))?$/.exec(place) ?? [];
  return { name, file: pathOf(file).replace(/^index \d+$/, ''), line: Number(row), column: Number(column) };
}

function pathOf(file: string): string {
  if (!file.startsWith('file://')) return file;
  try {
    return decodeURI(file.slice('file://'.length));
  } catch {
    return file.slice('file://'.length);
  }
}
