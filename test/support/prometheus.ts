// A reader of Prometheus text that believes nothing: what is not in the format, or is told twice, fails.

export interface Scraped {
  /** By name and labels, as they are written. */
  readonly series: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, string>;
}

const LINE = /^([A-Za-z_:][\w:]*)(\{(?:[A-Za-z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/;

export function parsed(text: string): Scraped {
  const series = new Map<string, number>();
  const types = new Map<string, string>();
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line) ?? [];
    if (typed !== undefined && type !== undefined) {
      if (types.has(typed)) throw new Error(`told twice: ${line}`);
      types.set(typed, type);
      continue;
    }
    if (/^# HELP \S+ /.test(line)) continue;
    const [, name = '', labels = '', number = ''] = LINE.exec(line) ?? [];
    const value = Number(number.replace('Inf', 'Infinity'));
    if (name === '' || (Number.isNaN(value) && number !== 'NaN')) throw new Error(`not in the format: ${line}`);
    if (series.has(name + labels)) throw new Error(`told twice: ${line}`);
    series.set(name + labels, value);
    const family = name.replace(/_(?:bucket|sum|count)$/, '');
    if (!types.has(name) && !types.has(family)) throw new Error(`without a type: ${line}`);
  }
  return { series, types };
}
