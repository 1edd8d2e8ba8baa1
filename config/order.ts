// Which app starts after which. Pure: names in, an order or the circles out.

export interface Dependent {
  readonly name: string;
  readonly after: readonly string[];
}

/** Those that wait for nobody come first; else the order of the file stands. What is in or behind a circle is left out. */
export function startOrder<App extends Dependent>(apps: readonly App[]): readonly App[] {
  const ordered: App[] = [];
  for (;;) {
    const started = new Set(ordered.map(({ name }) => name));
    const next = apps.find((app) => !ordered.includes(app) && app.after.every((name) => started.has(name)));
    if (next === undefined) return ordered;
    ordered.push(next);
  }
}

/** Each circle once, as the names on the way round, the first one again at the end. */
export function circles(apps: readonly Dependent[]): readonly (readonly string[])[] {
  const found: string[][] = [];
  const done = new Set<string>();
  const follow = (name: string, way: readonly string[]): void => {
    const at = way.indexOf(name);
    if (at >= 0) {
      found.push([...way.slice(at), name]);
      return;
    }
    if (done.has(name)) return;
    for (const next of apps.find((app) => app.name === name)?.after ?? []) follow(next, [...way, name]);
    done.add(name);
  };
  for (const { name } of apps) follow(name, []);
  return found;
}
