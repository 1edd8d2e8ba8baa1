// `${NAME}` in data: a variable of the supervisor's own environment; `${NAME:-otherwise}` where it may be unset or empty;
// `$${` for a `${` that stays. Code has the environment at hand and is left alone.
import { type Path, type Problem, placeKey, problem, type Source } from './problem.js';

type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$\$\{|\$\{([^}]*)\}?/g;
const form = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** The same source with every text filled in; what cannot be is told with its place. */
export function expand(source: Source, environment: Environment): Source {
  const problems: Problem[] = [];
  const failed = (path: Path, says: string): void => {
    filled.set(placeKey(path), 'failed');
    problems.push(problem(source, path, says));
  };
  const filled = new Map<string, 'filled' | 'failed'>();
  const fill = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return value.map((item, i) => fill(item, [...path, i]));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, [...path, key])]));
    }
    if (typeof value !== 'string' || !value.includes('${')) return value;
    filled.set(placeKey(path), 'filled');
    return value.replace(reference, (whole, inner: string | undefined) => {
      if (inner === undefined) return '${';
      const [, name, otherwise] = whole.endsWith('}') ? (form.exec(inner) ?? []) : [];
      if (name === undefined) {
        failed(path, 'expected `${NAME}` or `${NAME:-otherwise}`; `$${` stands for a plain `${`');
        return '';
      }
      const known = environment[name] || otherwise || environment[name];
      if (known === undefined && otherwise === undefined) {
        failed(path, `the variable ${name} is not set; set it, or write \`\${${name}:-otherwise}\``);
      }
      return known ?? '';
    });
  };
  const value = fill(source.value, []);
  return {
    ...source,
    value,
    problems: [...source.problems, ...problems],
    filled: (path) => filled.get(placeKey(path)),
  };
}

/** A number or a yes or no where the text is one, and says it in the one way that is not changed by reading it. */
export function typed(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text;
}
