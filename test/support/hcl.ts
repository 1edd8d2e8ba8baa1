// Reads as much of HCL as contrib/nomad is written in: blocks with a name or none, values that are words, numbers, lists. Nothing
// is left out silently.

export interface Block {
  /** `group "api"`, without its name. */
  readonly type: string;
  readonly name: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  readonly blocks: readonly Block[];
}

export function readHcl(text: string): Block[] {
  const tokens = text.replace(/^\s*#.*$/gm, '').match(/"(?:[^"\\]|\\.)*"|[\w.-]+|[{}=[\],]|\n|\S/g) ?? [];
  let at = 0;
  const peek = (): string | undefined => tokens[at];
  const take = (): string => tokens[at++] ?? '';
  const expect = (wanted: string): void => {
    const got = take();
    if (got !== wanted) throw new Error(`expected ${wanted}, got ${JSON.stringify(got)}`);
  };
  const lines = (): void => {
    while (peek() === '\n') at++;
  };

  function value(): unknown {
    if (peek() !== '[') return JSON.parse(take());
    take();
    const list: unknown[] = [];
    while (peek() !== ']') {
      list.push(value());
      if (peek() !== ']') expect(',');
    }
    take();
    return list;
  }

  function body(type: string, name: string | undefined, end: string | undefined): Block {
    const values: Record<string, unknown> = {};
    const blocks: Block[] = [];
    for (lines(); peek() !== end; lines()) {
      const key = take();
      if (!/^[a-z_]+$/.test(key)) throw new Error(`expected a key, got ${JSON.stringify(key)}`);
      if (peek() === '=') {
        take();
        values[key] = value();
        // Blocks of one line have nothing between their only value and their end.
        if (peek() !== end) expect('\n');
        continue;
      }
      const called = peek()?.startsWith('"') ? (JSON.parse(take()) as string) : undefined;
      expect('{');
      blocks.push(body(key, called, '}'));
    }
    take();
    return { type, name, values, blocks };
  }

  return [...body('', undefined, undefined).blocks];
}
