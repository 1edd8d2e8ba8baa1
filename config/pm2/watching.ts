// pm2's watching as cordon's. pm2 looks for what it watches in `cwd`, and means all of it by `watch: true`.
import { join } from 'node:path';
import type { App, Outcome, Rule } from './outcomes.js';
import { isOn, listOf, numberOf, timeOf } from './values.js';

function inCwd(app: App, path: string): string {
  const cwd = app['cwd']?.held;
  return path.startsWith('/') ? path : join(typeof cwd === 'string' ? cwd : '.', path);
}

export const watch: Rule = (held, app) => {
  if (held === false || held === 'false') return {};
  const paths = isOn(held) ? ['.'] : listOf(held).map(String);
  return {
    set: [
      [['watch', 'program'], true],
      [['watch', 'paths'], paths.map((path) => inCwd(app, path))],
    ],
    note: 'becomes `watch`, which is for development: workers are replaced all together, and Ctrl-C waits for nobody',
  };
};

/** Patterns and expressions mean nothing here; most that people write are for what never counts anyway. */
const pattern = /[*?[\](){}|\\^$]/;

export const ignored: Rule = (held, app): Outcome => {
  const list = listOf(held);
  const paths = list.flatMap((one) => (typeof one === 'string' && !pattern.test(one) ? [one] : []));
  const others = list.filter((one) => typeof one !== 'string' || pattern.test(one)).map(String);
  return {
    set: paths.length === 0 ? [] : [[['watch', 'ignore'], paths.map((path) => inCwd(app, path))]],
    note:
      others.length === 0
        ? undefined
        : `is taken over without ${others.join(', ')}: \`watch.ignore\` takes files and folders; node_modules, logs and dot-directories never count`,
  };
};

export const delay: Rule = (held) => {
  const ms = numberOf(held);
  if (ms === 0) return { note: 'is not taken over: expected a time longer than 0' };
  const words = timeOf(held);
  return words === undefined
    ? { note: 'is not taken over: expected milliseconds' }
    : { set: [[['watch', 'debounce'], words]] };
};
