// What the rest of the program sees of a configuration: parsed, complete, every time in milliseconds.

/** An address that is bound before any worker starts. A path is absolute, and not too long to be bound. */
export type ListenAddress =
  | BindableAddress
  /** Bound by systemd already, under this name. */
  | { readonly inherited: string };

export type BindableAddress = { readonly host: string | undefined; readonly port: number } | { readonly path: string };

export interface Config {
  readonly name: string;
  /** Absolute, and it exists. */
  readonly script: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly nodeArgs: readonly string[];
  /** Added to the supervisor's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of `env` whose values came from a file of secrets, an `envFile` or `${…}`. No value of `env` is ever shown. */
  readonly secrets: readonly string[];
  /** At least 1. */
  readonly workers: number;
  /** Booted workers beside those, which accept nobody until they are needed. */
  readonly standby: number;
  readonly listen: readonly ListenAddress[];
  /** Idle connections may move between workers. */
  readonly handOver: boolean;
  /** Workers that hold more than their share of connections pass some on. */
  readonly balance: boolean;
  readonly ready: {
    readonly on: 'listening' | 'message' | 'start' | { readonly http: string };
    readonly timeoutMs: number;
    /** How many workers must serve: all, a number from 1 on, or a share such as `50%`. */
    readonly quorum: 'all' | number | `${number}%`;
  };
  /** Run before each new generation; without words, nothing is. */
  readonly before: { readonly command: readonly string[]; readonly timeoutMs: number };
  /** At least 1. */
  readonly boot: { readonly concurrency: number };
  readonly reload: {
    /** At least 1. */
    readonly surge: number;
    readonly canary: boolean;
    readonly bakeMs: number;
    readonly maxErrorRatio: number;
    readonly rollback: boolean;
  };
  readonly health: {
    readonly beatMs: number;
    /** More than three beats. */
    readonly hangMs: number;
    readonly onHang: 'free' | 'kill' | 'report';
  };
  readonly limits: {
    /** In bytes. */
    readonly memory: number | undefined;
    readonly heap: number | undefined;
    readonly requests: number | undefined;
    readonly lifetimeMs: number | undefined;
    readonly jitter: number;
  };
  readonly fault: { readonly killTimeoutMs: number };
  readonly restart: {
    readonly backoff: {
      readonly minMs: number;
      readonly maxMs: number;
      readonly factor: number;
      readonly jitter: number;
    };
    readonly intensity: { readonly restarts: number; readonly withinMs: number };
    readonly giveUp: number | undefined;
  };
  readonly stop: {
    readonly timeoutMs: number;
    readonly lingerMs: number;
    readonly delayMs: number;
    readonly closeSpreadMs: number;
    readonly drain: 'requests' | 'tasks';
    readonly signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2' | undefined;
  };
  readonly control: {
    /** Absolute. Undefined: a private folder of the user's. */
    readonly socket: string | undefined;
    /** Of the socket; its folder is made to let in whom this lets in. */
    readonly mode: number;
    /** A group that may read, by name or number. */
    readonly readers: string | undefined;
    /** A changed file is brought in by itself. */
    readonly watchConfig: boolean;
  };
  /** At most one. */
  readonly metrics: { readonly listen: readonly ListenAddress[] };
  readonly logs: {
    /** Whether the supervisor reads what workers print; `inherit`: its stdout and stderr are theirs. */
    readonly mode: 'pipe' | 'inherit';
    /** On stdout. A file has JSON. */
    readonly format: 'pretty' | 'json';
    readonly level: LogLevel;
    /** Absolute. Undefined: stdout. */
    readonly file: string | undefined;
    readonly rotate: {
      /** In bytes. Undefined: never. */
      readonly size: number | undefined;
      readonly keep: number;
    };
    readonly access: false | 'common' | 'combined' | 'json';
    /** Absolute. Undefined: the access log is part of the log. */
    readonly accessFile: string | undefined;
  };
  /** Absolute. */
  readonly pidFile: string | undefined;
  /** Names of the apps of the same file that are ready before this one starts. */
  readonly after: readonly string[];
  readonly errors: {
    /** Absolute; undefined where the environment says. */
    readonly dir: string | undefined;
    readonly keepMs: number;
    /** In lower case. */
    readonly redact: readonly string[];
  };
  readonly recycle: {
    /** In the syntax of cron. */
    readonly schedule: string | undefined;
    /** Undefined: the system's. */
    readonly timeZone: string | undefined;
  };
  readonly watch: {
    /** Whether the program's own files are watched. */
    readonly program: boolean;
    /** Absolute. */
    readonly paths: readonly string[];
    /** Absolute. */
    readonly ignore: readonly string[];
    readonly debounceMs: number;
    /** A symbolic link. Absolute. */
    readonly release: string | undefined;
  };
  /** Whom the supervisor and its workers run as, once `listen` is bound: names, or numbers in digits. */
  readonly user: string | undefined;
  /** Only beside a user. */
  readonly group: string | undefined;
  /** Where HAProxy's agent-check is answered. */
  readonly agent: { readonly listen: readonly BindableAddress[] };
  /** Where this instance is registered for those who send it requests. */
  readonly registry: {
    /** `host:port`. Empty only where nothing is registered. */
    readonly address: string;
    /** At least 1. */
    readonly weight: number;
    readonly etcd: {
      /** `http:` or `https:`, without a path. None: not there. */
      readonly endpoints: readonly string[];
      /** Begins with `/`, and does not end with one. */
      readonly prefix: string;
      /** At least 2 s. */
      readonly ttlMs: number;
      readonly user: string | undefined;
      /** Files, by their absolute paths. */
      readonly passwordFile: string | undefined;
      readonly ca: string | undefined;
      readonly cert: string | undefined;
      readonly key: string | undefined;
    };
  };
  /** A command and its arguments, or an address. */
  readonly hooks: { readonly onIncident: readonly string[] | string | undefined };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
