// Files of variables in the manner of the package dotenv, with one difference: a line that it would pass over in silence is told.

export interface Variables {
  readonly values: Readonly<Record<string, string>>;
  readonly problems: readonly { readonly line: number; readonly says: string }[];
}

const blank = /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y;
const name = /[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)(?:[^\S\n]*=[^\S\n]*|:[^\S\n]+)/y;
/** Quoted ones may go on over several lines; a plain one ends at `#` or with its line. */
const value = /(?:'((?:\\'|[^'])*)'|"((?:\\"|[^"])*)"|`((?:\\`|[^`])*)`|([^#\n]*))[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y;

export function parseVariables(given: string): Variables {
  const text = given.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const values: [string, string][] = [];
  const problems: { line: number; says: string }[] = [];
  for (let at = 0; at < text.length; ) {
    const match = (form: RegExp): RegExpExecArray | null => {
      form.lastIndex = at;
      const found = form.exec(text);
      if (found !== null) at = form.lastIndex;
      return found;
    };
    if (match(blank)) continue;
    const start = at;
    const key = match(name)?.[1];
    const got = key === undefined ? null : match(value);
    const [, single, double, tick, plain = ''] = got ?? [];
    const open = /^['"`]/.test(plain);
    if (key === undefined || got === null || open) {
      const says = open ? 'a quote is not closed, or something follows it' : 'expected KEY=VALUE';
      problems.push({ line: text.slice(0, start).split('\n').length, says });
      at = text.indexOf('\n', start) + 1 || text.length;
      continue;
    }
    const unescaped = double?.replaceAll(String.raw`\n`, '\n').replaceAll(String.raw`\r`, '\r');
    values.push([key, single ?? unescaped ?? tick ?? plain.trim()]);
  }
  return { values: Object.fromEntries(values), problems };
}
