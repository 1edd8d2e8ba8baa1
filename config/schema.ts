// Every key that a configuration may hold: its form, its unit, its default, what it is for. The types, the check of what was
// written and the JSON Schema of editors all come from here.
import * as v from 'valibot';
import { addressForms, mispathed } from './address.js';
import {
  accessForm,
  account,
  address,
  beforeForm,
  bindable,
  clientAddress,
  command,
  count,
  envFiles,
  fileSize,
  filledText,
  headerName,
  hook,
  memory,
  mode,
  mostWorkers,
  nodeArgs,
  number,
  oneOf,
  option,
  prefixForm,
  probePath,
  quorum,
  scheduleForm,
  section,
  server,
  span,
  text,
  time,
  usualSecrets,
  variables,
  wholeFrom0,
  withDefault,
  workers,
  zoneForm,
} from './forms.js';

export const ConfigSchema = section({
  $schema: option(text('a text'), 'Where an editor finds the JSON Schema of this file.'),
  name: option(
    v.pipe(
      v.string('a name'),
      v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of at most 63 letters, digits, ".", "_" and "-"'),
    ),
    "What logs and commands call this fleet. Default: the script's file name without its extension.",
  ),
  script: option(
    filledText('the path of a script'),
    'The server to run, from the folder of this file. Required, here or as an argument.',
  ),
  args: withDefault(v.array(text('a text'), 'a list of texts'), "The script's own arguments. Default: none.", []),
  cwd: option(
    filledText('the path of a folder'),
    'The working directory of the workers, from the folder of this file. Default: that folder; without a file, where cordon was started.',
  ),
  nodeArgs: withDefault(nodeArgs, 'Options of node for the workers. Default: none.', []),
  env: withDefault(
    variables,
    'Environment variables of the workers, added to the supervisor\'s own. A value may stand in a file, { "file": "/run/secrets/x" }, or be a credential of systemd, { "credential": "x" }. What "env.production" holds is added in the mode "production". Default: none.',
    {},
  ),
  envFile: withDefault(
    envFiles,
    'Files of variables in the manner of dotenv, from the folder of this file. A later one wins over an earlier one, and `env` over all of them. Default: none.',
    [],
  ),
  workers: withDefault(
    workers,
    'How many workers: a number, "max" (one for each core that the cgroup grants), "max-1", or a share of the cores such as "50%". At least one runs. Default: "max".',
    'max',
  ),
  standby: withDefault(
    wholeFrom0(mostWorkers),
    'How many workers are kept booted beside those in service, without accepting connections; one of them takes over the moment a worker dies, fails or is replaced. Default: 0.',
    0,
  ),
  listen: withDefault(
    v.array(address, 'a list of addresses'),
    `Addresses that are bound before any worker starts, so that a taken one fails at once: a port, ${addressForms}. Default: none; each is bound when the program listens.`,
    [],
  ),
  handOver: withDefault(
    v.boolean('true or false'),
    'Idle HTTP/1 connections in clear text move, unread, from a worker that drains to one that serves. Switch it off where a connection means something to the program: the PROXY protocol, authentication by connection. Default: true.',
    true,
  ),
  balance: withDefault(
    v.boolean('true or false'),
    'A worker that holds clearly more than its share of connections passes idle ones on, where handOver allows it. Default: true.',
    true,
  ),
  ready: withDefault(
    section({
      on: withDefault(
        v.union(
          [oneOf('listening', 'message', 'start'), section({ http: probePath })],
          '"listening" or "message" or "start" or { "http": "/path" }',
        ),
        'What counts as ready: the program listens, sends the message "ready", has started (a program without a port), or answers a GET of a path with 2xx ({ "http": "/healthz" }). Default: "listening".',
        'listening',
      ),
      timeout: withDefault(
        time(1),
        'How long a worker may take to become ready; one that takes longer is killed and counts as failed. Default: "30s".',
        '30s',
      ),
      quorum: withDefault(
        quorum,
        'How many workers must serve before the fleet counts as ready, for systemd, /readyz, `start --daemon`, an upgrade and a registry: "all", a number, or a share such as "50%". With a number or a share the fleet is not ready either while fewer serve later on; with "all", only while none does. Default: "all".',
        'all',
      ),
    }),
    'When a worker counts as ready, and when the fleet does.',
    {},
  ),
  before: option(
    v.union(
      [
        command,
        section({
          command,
          timeout: withDefault(time(1), 'How long it may take. Default: "10m".', '10m'),
        }),
      ],
      beforeForm,
    ),
    'A command that is run once before each new generation, such as a migration: a list of words, which no shell reads, or { command, timeout: "10m" }. It has the environment and the working directory of the workers. Where it fails, the generation does not begin and the old one goes on. Default: none.',
  ),
  boot: withDefault(
    section({
      concurrency: option(
        count(`a whole number from 1 to ${mostWorkers}`, mostWorkers),
        'How many workers boot at the same time. Default: one for each core that the cgroup grants.',
      ),
    }),
    'How workers are started.',
    {},
  ),
  reload: withDefault(
    section({
      surge: withDefault(
        count(`a whole number from 1 to ${mostWorkers}`, mostWorkers),
        'How many workers are replaced at the same time. Default: 1.',
        1,
      ),
      canary: withDefault(
        v.boolean('true or false'),
        'Whether one worker of a new generation is watched for a while before the others follow. Default: false.',
        false,
      ),
      bake: withDefault(time(1), 'How long a canary is watched. Default: "30s".', '30s'),
      maxErrorRatio: withDefault(
        number('a number from 1 to 1000', 1, 1000),
        "A canary that fails more often than this many times the old workers' share of requests is taken back. Default: 2.",
        2,
      ),
      rollback: withDefault(
        v.boolean('true or false'),
        'Whether workers that were replaced already go back to the old generation when the new one fails. Default: true.',
        true,
      ),
    }),
    'How a new generation takes the place of the old one.',
    {},
  ),
  health: withDefault(
    section({
      beat: withDefault(time(1), 'How often a worker tells how it is. Default: "1s".', '1s'),
      hang: withDefault(
        time(1),
        'A worker that tells nothing for so long is stuck: it is opened, and where and in which request it is stuck is told. More than three beats. Default: "10s".',
        '10s',
      ),
      onHang: withDefault(
        oneOf('free', 'kill', 'report'),
        'What becomes of a stuck worker then. "free": the call that holds it up is ended, so that its other requests are answered, and it is replaced; it is killed where that cannot be done. "kill": it is killed. "report": nothing. Default: "free".',
        'free',
      ),
    }),
    'What workers tell of themselves, and what becomes of those that do not.',
    {},
  ),
  limits: withDefault(
    section({
      memory: option(
        memory,
        'The memory (rss) that a worker may have, such as "512MB". One that has half as much again while it drains is killed. Default: no limit.',
      ),
      heap: option(
        number('a share above 0 and up to 1', 0.01, 1),
        "The share of its JavaScript heap's limit that a worker may have in use, such as 0.9. Default: no limit.",
      ),
      requests: option(
        count('a whole number from 1 to 1000000000', 1_000_000_000),
        'How many requests a worker may serve. Default: no limit.',
      ),
      lifetime: option(span('1s'), 'How long a worker may serve, such as "24h". Default: no limit.'),
      jitter: withDefault(
        number('a share from 0 to 0.9', 0, 0.9),
        'Each limit is tighter by up to this share of it, for each worker by another one, so that workers do not come to it together. Default: 0.1.',
        0.1,
      ),
    }),
    'What a worker may come to before it is replaced, in order and without a lost request, reload.surge workers at a time.',
    {},
  ),
  fault: withDefault(
    section({
      killTimeout: withDefault(
        time(0),
        'How long a worker that failed, or was told to go, may take to finish its other requests. What is open then is answered 503. Default: "30s".',
        '30s',
      ),
    }),
    'What happens after an error that nobody caught.',
    {},
  ),
  restart: withDefault(
    section({
      backoff: withDefault(
        section({
          min: option(time(1), 'The wait after the first failure. Default: "100ms".'),
          max: option(time(1), 'The longest wait. Default: "30s".'),
          factor: withDefault(
            number('a number from 1 to 100', 1, 100),
            'Each wait is this many times the one before. Default: 2.',
            2,
          ),
          jitter: withDefault(
            number('a share from 0 to 1', 0, 1),
            'Each wait is made longer or shorter by up to this share of it, so that workers do not restart in step. Default: 0.2.',
            0.2,
          ),
        }),
        'How long a worker that keeps failing waits before it is started again.',
        {},
      ),
      intensity: withDefault(
        section({
          restarts: withDefault(
            count('a whole number from 1 to 1000000', 1_000_000),
            'How many restarts are let through. Default: 10.',
            10,
          ),
          within: withDefault(time(1), 'In how long a time. Default: "1m".', '1m'),
        }),
        'More restarts than this are slowed down.',
        {},
      ),
      giveUp: option(
        count('a whole number from 1 to 1000000', 1_000_000),
        'cordon ends, with exit code 1 and the reason, when every worker has failed so often in a row: for those who have something above it that starts it again. Default: it never does.',
      ),
    }),
    'How workers that ended are started again.',
    {},
  ),
  stop: withDefault(
    section({
      timeout: withDefault(
        time(0),
        'How long a graceful stop may take before what is left is ended. Default: "30s".',
        '30s',
      ),
      delay: withDefault(
        time(0),
        'How long the fleet goes on serving, and says that it is not ready, before a graceful stop begins: for load balancers that take time to notice. Default: "0s".',
        '0s',
      ),
      closeSpread: option(
        time(0),
        'Over how long a draining worker spreads the close frames of its WebSockets; at its end, server-sent events are ended. Default: "5s", or half of the timeout where that is shorter.',
      ),
      drain: withDefault(
        oneOf('requests', 'tasks'),
        'What a worker that drains waits for: open requests, or also what they have begun and not finished, each request being a task. That costs hooks on every promise and every asynchronous resource. Default: "requests".',
        'requests',
      ),
      signal: option(
        oneOf('SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'),
        'The signal that the program hears when its worker drains and no further request is expected, where it listens for it. Default: none.',
      ),
      linger: option(
        time(0),
        'How long an idle keep-alive connection stays open for one more request while its worker drains. Shorter than the timeout. Default: "5s", or the timeout where that is shorter.',
      ),
    }),
    'How the fleet stops.',
    {},
  ),
  control: withDefault(
    section({
      socket: option(
        v.pipe(
          filledText('the path of a unix socket'),
          v.check((path) => mispathed(path) === undefined, 'a path of at most 107 bytes'),
        ),
        'Where the control socket is, from the folder of this file. Default: `<name>.sock` in $RUNTIME_DIRECTORY, else in $XDG_RUNTIME_DIR/cordon, else in a private folder under the temporary directory.',
      ),
      mode: withDefault(mode, 'The mode of the control socket. Default: "0600", for its owner alone.', '0600'),
      readers: option(
        v.pipe(v.string('the name of a group'), v.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'the name of a group')),
        'A group, by name or number, that gets a socket of its own which only reads. Default: none.',
      ),
      watchConfig: withDefault(
        v.boolean('true or false'),
        'Whether a change of this file is brought in by itself: what differs, and nothing else. A file with a mistake changes nothing. Default: false.',
        false,
      ),
    }),
    'How commands reach the supervisor.',
    {},
  ),
  metrics: withDefault(
    section({
      listen: option(address, 'An address that serves /metrics, /livez and /readyz, and nothing else. Default: none.'),
    }),
    'Figures and probes for machines.',
    {},
  ),
  logs: withDefault(
    section({
      mode: withDefault(
        oneOf('pipe', 'inherit'),
        'Whether cordon reads what workers print ("pipe"), or they print to its own stdout and stderr ("inherit"): as they are, with nothing added, and nothing of them in `cordon logs` or in the last words of a crash. Default: "pipe".',
        'pipe',
      ),
      format: withDefault(
        oneOf('auto', 'pretty', 'json'),
        'Readable lines, or JSON Lines; "auto" is readable on a terminal. Default: "auto".',
        'auto',
      ),
      level: withDefault(
        oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
        'The least severe level that is logged. Default: "info".',
        'info',
      ),
      file: option(
        filledText('the path of a file'),
        'A file that the log goes to, as JSON Lines, instead of stdout; a terminal is shown it all the same. From the folder of this file; folders above it are made, and its mode is 0640 or stricter. After logrotate has renamed it: `cordon logs --reopen`. Default: none.',
      ),
      rotate: withDefault(
        section({
          size: option(
            fileSize,
            'How large a log file may grow, such as "100MB", before it is renamed to <file>.1 and a new one begun. Default: as large as it likes.',
          ),
          keep: withDefault(
            count('a whole number from 1 to 1000', 1_000),
            'How many of the renamed files stay. Default: 5.',
            5,
          ),
        }),
        'Rotation of log files, for those who do not use logrotate.',
        {},
      ),
      access: withDefault(
        v.union([v.literal(false), oneOf('common', 'combined', 'json')], accessForm),
        'The access log: a line for each request that is over, in the common or combined format of Apache, or as JSON. Secrets in addresses are left out, as `errors.redact` says. Default: false.',
        false,
      ),
      accessFile: option(
        filledText('the path of a file'),
        'A file for the access log alone, from the folder of this file; it is rotated and opened anew with the other. Default: it is part of the log.',
      ),
    }),
    "The supervisor's log.",
    {},
  ),
  after: withDefault(
    v.array(text('the name of an app'), 'a list of names of apps'),
    'The apps of this file that must be ready before this one starts. Default: none.',
    [],
  ),
  pidFile: option(
    filledText('the path of a file'),
    'A file that holds the process id of the supervisor while it runs, from the folder of this file. After an upgrade it names the new one. Default: none.',
  ),
  errors: withDefault(
    section({
      dir: option(
        filledText('the path of a folder'),
        'The folder that the book of errors is kept in, from the folder of this file. Default: $STATE_DIRECTORY, else $XDG_STATE_HOME/cordon/<name>, else ~/.local/state/cordon/<name>.',
      ),
      keep: withDefault(
        span('1m'),
        'How long an error that is not met again is remembered. At most 1000 different errors are. Default: "30d".',
        '30d',
      ),
      redact: withDefault(
        v.array(headerName, 'a list of names of headers and parameters'),
        'Headers of a request, and parameters of its address, whose values are never kept nor logged with an error; authorization, proxy-authorization, cookie and set-cookie never are, named here or not. Default: the usual names of tokens, keys and passwords.',
        [...usualSecrets],
      ),
    }),
    'The book of errors.',
    {},
  ),
  recycle: withDefault(
    section({
      schedule: option(
        v.pipe(v.string(scheduleForm), v.regex(/^(?:@[a-z]+|\S+(?:\s+\S+){4,6})$/, scheduleForm)),
        'When every worker is replaced, one after the other and without a lost request, in the syntax of cron: "0 4 * * *". What was missed while the machine slept is not made up for. Default: never.',
      ),
      timeZone: option(
        filledText(zoneForm),
        'The time zone of the schedule, such as "Europe/Berlin". Default: that of the system.',
      ),
    }),
    'Workers that are replaced by the clock.',
    {},
  ),
  watch: withDefault(
    section({
      program: withDefault(
        v.boolean('true or false'),
        'For development: a change of a file that the program has loaded, or of one in `watch.paths`, makes a reload; Ctrl-C stops at once. Default: false.',
        false,
      ),
      paths: withDefault(
        v.array(filledText('a path'), 'a list of paths'),
        'Files and folders that count as well, from the folder of this file. Default: none.',
        [],
      ),
      ignore: withDefault(
        v.array(filledText('a path'), 'a list of paths'),
        'Files and folders that never count, from the folder of this file; node_modules, logs, dot-directories and the book of errors never do. Default: none.',
        [],
      ),
      debounce: withDefault(
        time(1),
        'How long everything must have been quiet: one save, or one checkout, is one change. Default: "150ms".',
        '150ms',
      ),
      release: option(
        filledText('the path of a symbolic link'),
        'A symbolic link such as "current", from the folder of this file: when it leads elsewhere, a reload follows by itself. Default: none.',
      ),
    }),
    'What makes a reload by itself.',
    {},
  ),
  user: option(
    v.pipe(v.string('a user'), v.regex(account, 'the name of a user, or its number in quotes')),
    'Whom the supervisor and its workers run as, once it has bound the addresses of `listen`. Only root can start so. Default: whoever starts cordon.',
  ),
  group: option(
    v.pipe(v.string('a group'), v.regex(account, 'the name of a group, or its number in quotes')),
    "The group beside `user`. Default: the user's own.",
  ),
  agent: withDefault(
    section({
      listen: withDefault(
        v.array(bindable, 'a list of addresses'),
        "Where HAProxy's agent-check is answered: the share of the workers that are ready, or drain. Default: nowhere.",
        [],
      ),
    }),
    'What load balancers ask.',
    {},
  ),
  registry: withDefault(
    section({
      address: option(
        clientAddress,
        'Where clients reach this instance; it is part of its key. Default: the first address of `listen`, with the name of this machine where that has no host.',
      ),
      weight: withDefault(
        count('a whole number from 1 to 65535', 65_535),
        'Its share beside other instances while all of its workers serve; it is told less by the share of those that do not. Default: 100.',
        100,
      ),
      etcd: withDefault(
        section({
          endpoints: withDefault(
            v.array(server, 'a list of addresses'),
            'The servers of an etcd (3.4 or later), of which one is asked at a time: "http://10.0.0.1:2379". Default: none; nothing is registered.',
            [],
          ),
          prefix: withDefault(
            v.pipe(v.string(prefixForm), v.regex(/^(?:\/[^/\0]+)+$/, prefixForm)),
            'What the key begins with, which is `<prefix>/<name>/<address>`. Default: "/services".',
            '/services',
          ),
          ttl: withDefault(
            v.pipe(time(1), v.minValue(2000, 'a time of at least 2s')),
            'How long the entry outlives an instance that died, or that etcd does not hear of. Default: "15s".',
            '15s',
          ),
          user: option(filledText('the name of a user'), 'The user, where etcd wants one. Default: none.'),
          passwordFile: option(
            filledText('the path of a file'),
            'A file that holds the password, from the folder of this file; it is read whenever etcd is asked for a token. Default: none.',
          ),
          ca: option(
            filledText('the path of a file'),
            'A file with the certificates (PEM) that an https server is checked by. Default: those of Node.',
          ),
          cert: option(
            filledText('the path of a file'),
            'A file with the certificate (PEM) that is shown to an https server. Default: none.',
          ),
          key: option(filledText('the path of a file'), 'A file with its key (PEM). Default: none.'),
        }),
        'The registry etcd.',
        {},
      ),
    }),
    'Where this instance is registered, with its weight, while it is ready.',
    {},
  ),
  hooks: withDefault(
    section({
      onIncident: option(
        hook,
        'Told, as JSON on its stdin or in a POST, of each error that is new or has returned, at most once a minute each: a command as a list of words, which no shell reads, or an address. Default: nobody.',
      ),
    }),
    'Whom cordon tells.',
    {},
  ),
});

/** Variables that are added in one mode: `'env.production': { … }`. */
type Overlays = { readonly [overlay: `env.${string}`]: v.InferInput<typeof variables> | undefined };

/** What a user may write of one app: every key is optional. */
export type UserConfig = v.InferInput<typeof ConfigSchema> & Overlays;
