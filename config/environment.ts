// The settings that the supervisor's own environment gives. A variable is called as the flag is, in capitals; what has no flag
// is called after its key.
import type { Path, Problem, Source } from './problem.js';
import { nearest } from './suggest.js';
import { asNumber, setAt } from './tree.js';

type Environment = Readonly<Record<string, string | undefined>>;

const asIs = (text: string): unknown => text;
/** What is neither is left as it is, and told as wrong. */
const asBoolean = (text: string): unknown => (text === 'true' ? true : text === 'false' ? false : text);
const split = (at: RegExp) => (text: string) => text.split(at).filter((part) => part !== '');

/** Later ones win. */
const variables: readonly { readonly name: string; readonly path: Path; readonly read: (text: string) => unknown }[] = [
  { name: 'WEB_CONCURRENCY', path: ['workers'], read: asNumber },
  { name: 'CORDON_WORKERS', path: ['workers'], read: asNumber },
  { name: 'CORDON_NAME', path: ['name'], read: asIs },
  { name: 'CORDON_SCRIPT', path: ['script'], read: asIs },
  { name: 'CORDON_CWD', path: ['cwd'], read: asIs },
  { name: 'CORDON_NODE_ARGS', path: ['nodeArgs'], read: split(/\s+/) },
  { name: 'CORDON_STANDBY', path: ['standby'], read: asNumber },
  { name: 'CORDON_BOOT_CONCURRENCY', path: ['boot', 'concurrency'], read: asNumber },
  { name: 'CORDON_LISTEN', path: ['listen'], read: split(/[\s,]+/) },
  { name: 'CORDON_HAND_OVER', path: ['handOver'], read: asBoolean },
  { name: 'CORDON_BALANCE', path: ['balance'], read: asBoolean },
  { name: 'CORDON_ENV_FILE', path: ['envFile'], read: split(/[\s,]+/) },
  { name: 'CORDON_READY', path: ['ready', 'on'], read: asIs },
  { name: 'CORDON_READY_TIMEOUT', path: ['ready', 'timeout'], read: asIs },
  { name: 'CORDON_HEALTH_BEAT', path: ['health', 'beat'], read: asIs },
  { name: 'CORDON_HEALTH_HANG', path: ['health', 'hang'], read: asIs },
  { name: 'CORDON_HEALTH_ON_HANG', path: ['health', 'onHang'], read: asIs },
  { name: 'CORDON_MAX_MEMORY', path: ['limits', 'memory'], read: asIs },
  { name: 'CORDON_LIMITS_HEAP', path: ['limits', 'heap'], read: asNumber },
  { name: 'CORDON_MAX_REQUESTS', path: ['limits', 'requests'], read: asNumber },
  { name: 'CORDON_MAX_LIFETIME', path: ['limits', 'lifetime'], read: asIs },
  { name: 'CORDON_LIMITS_JITTER', path: ['limits', 'jitter'], read: asNumber },
  { name: 'CORDON_KILL_TIMEOUT', path: ['fault', 'killTimeout'], read: asIs },
  { name: 'CORDON_RESTART_BACKOFF_MIN', path: ['restart', 'backoff', 'min'], read: asIs },
  { name: 'CORDON_RESTART_BACKOFF_MAX', path: ['restart', 'backoff', 'max'], read: asIs },
  { name: 'CORDON_RESTART_BACKOFF_FACTOR', path: ['restart', 'backoff', 'factor'], read: asNumber },
  { name: 'CORDON_RESTART_BACKOFF_JITTER', path: ['restart', 'backoff', 'jitter'], read: asNumber },
  { name: 'CORDON_RESTART_INTENSITY_RESTARTS', path: ['restart', 'intensity', 'restarts'], read: asNumber },
  { name: 'CORDON_RESTART_INTENSITY_WITHIN', path: ['restart', 'intensity', 'within'], read: asIs },
  { name: 'CORDON_RESTART_GIVE_UP', path: ['restart', 'giveUp'], read: asNumber },
  { name: 'CORDON_STOP_TIMEOUT', path: ['stop', 'timeout'], read: asIs },
  { name: 'CORDON_STOP_DELAY', path: ['stop', 'delay'], read: asIs },
  { name: 'CORDON_STOP_CLOSE_SPREAD', path: ['stop', 'closeSpread'], read: asIs },
  { name: 'CORDON_STOP_DRAIN', path: ['stop', 'drain'], read: asIs },
  { name: 'CORDON_STOP_SIGNAL', path: ['stop', 'signal'], read: asIs },
  { name: 'CORDON_STOP_LINGER', path: ['stop', 'linger'], read: asIs },
  { name: 'CORDON_CONTROL_SOCKET', path: ['control', 'socket'], read: asIs },
  { name: 'CORDON_CONTROL_MODE', path: ['control', 'mode'], read: asIs },
  { name: 'CORDON_CONTROL_READERS', path: ['control', 'readers'], read: asIs },
  { name: 'CORDON_METRICS_LISTEN', path: ['metrics', 'listen'], read: asIs },
  { name: 'CORDON_PID_FILE', path: ['pidFile'], read: asIs },
  { name: 'CORDON_BEFORE', path: ['before'], read: split(/\s+/) },
  { name: 'CORDON_RECYCLE_SCHEDULE', path: ['recycle', 'schedule'], read: asIs },
  { name: 'CORDON_RECYCLE_TIME_ZONE', path: ['recycle', 'timeZone'], read: asIs },
  { name: 'CORDON_WATCH', path: ['watch', 'program'], read: asBoolean },
  { name: 'CORDON_WATCH_PATHS', path: ['watch', 'paths'], read: split(/[\s,]+/) },
  { name: 'CORDON_WATCH_IGNORE', path: ['watch', 'ignore'], read: split(/[\s,]+/) },
  { name: 'CORDON_WATCH_DEBOUNCE', path: ['watch', 'debounce'], read: asIs },
  { name: 'CORDON_WATCH_RELEASE', path: ['watch', 'release'], read: asIs },
  { name: 'CORDON_ERRORS_DIR', path: ['errors', 'dir'], read: asIs },
  { name: 'CORDON_ERRORS_KEEP', path: ['errors', 'keep'], read: asIs },
  { name: 'CORDON_ERRORS_REDACT', path: ['errors', 'redact'], read: split(/[\s,]+/) },
  { name: 'CORDON_LOG_FORMAT', path: ['logs', 'format'], read: asIs },
  { name: 'CORDON_LOG_LEVEL', path: ['logs', 'level'], read: asIs },
  { name: 'CORDON_LOG_MODE', path: ['logs', 'mode'], read: asIs },
  { name: 'CORDON_LOG_FILE', path: ['logs', 'file'], read: asIs },
  { name: 'CORDON_LOG_ROTATE_SIZE', path: ['logs', 'rotate', 'size'], read: asIs },
  { name: 'CORDON_LOG_ROTATE_KEEP', path: ['logs', 'rotate', 'keep'], read: asNumber },
  { name: 'CORDON_LOG_ACCESS', path: ['logs', 'access'], read: asBoolean },
  { name: 'CORDON_LOG_ACCESS_FILE', path: ['logs', 'accessFile'], read: asIs },
];

/** Which overlays of the file are used, where no flag says it; undefined where nobody does. */
export const modeOf = (environment: Environment): string | undefined =>
  environment[modeVariable] || environment['NODE_ENV'] || undefined;

const modeVariable = 'CORDON_MODE';

/** What cordon tells its workers. A cordon that is started inside a worker finds them, and they are not meant for it. */
const told = ['CORDON_NAME', 'CORDON_WORKER', 'CORDON_SLOT', 'CORDON_GENERATION'];

export function environmentSource(environment: Environment, folder: string): Source {
  const inWorker = environment['CORDON_WORKER'] !== undefined;
  const given = variables.filter(({ name }) => (environment[name] ?? '') !== '' && !(inWorker && told.includes(name)));
  return {
    origin: 'environment',
    value: given.reduce<unknown>((tree, { name, path, read }) => setAt(tree, path, read(environment[name] ?? '')), {}),
    folder,
    problems: Object.keys(environment).flatMap(misspelt),
    place: (path) => {
      const under = (whole: Path): boolean => whole.every((key, i) => path[i] === key);
      return given.findLast((variable) => under(variable.path))?.name ?? 'environment';
    },
  };
}

/** Only near misses: a platform may set variables of its own (a Kubernetes service called cordon sets CORDON_PORT). */
function misspelt(name: string): Problem[] {
  const known = [...variables.map((variable) => variable.name), modeVariable];
  if (!name.startsWith('CORDON_') || told.includes(name) || known.includes(name)) return [];
  const near = nearest(name, known);
  return near === undefined
    ? []
    : [{ origin: 'environment', says: `${name}: unknown variable, did you mean ${near}?` }];
}
