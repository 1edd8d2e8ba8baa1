// What may go wrong on this machine before a server runs on it, from what is known of it: facts in, findings out.

/** What was found out. Absent is what this system does not tell. */
export interface Facts {
  readonly node: string;
  /** Soft limit of open descriptors. */
  readonly descriptors?: number;
  /** Soft limit of processes of this user. */
  readonly processes?: number;
  /** Processes and threads that the cgroup lets through. */
  readonly tasks?: number;
  readonly somaxconn?: number;
  readonly cores: number;
  /** Cores that a worker could be run on for; more than `cores` where a quota holds. */
  readonly parallelism: number;
  readonly memory: number;
  readonly machineMemory: number;
  readonly swapUsed?: number;
  readonly swap?: number;
  /** The wall clock, in milliseconds since 1970. */
  readonly clock: number;
  /** Whether somebody keeps it right. */
  readonly synchronized?: boolean;
  readonly pid: number;
  /** The name of process 1. */
  readonly init?: string;
  /** In a container, as far as that can be told. */
  readonly container: boolean;
  readonly runtime: { readonly folder: string; readonly problem?: string };
  readonly nodeOptions: string;
  /** This Node has one. */
  readonly inspector: boolean;
  /** systemd's version; absent where it does not run this machine. */
  readonly systemd?: number;
  /** Of the proxy in front, in milliseconds, where it is told. */
  readonly proxyKeepAliveMs?: number;
  /** Of the server, in milliseconds; Node's default where nothing is told. */
  readonly keepAliveMs: number;
}

export interface Finding {
  readonly about: string;
  readonly level: 'ok' | 'note' | 'warning' | 'problem';
  /** What is. */
  readonly says: string;
  /** What it means, and what to do; absent where all is well. */
  readonly advice?: string;
}

/** What a worker asks for at once, as Node does. */
const BACKLOG = 511;
const MB = 1024 * 1024;
/** A Node server of no great size. */
const WORKER_BYTES = 128 * MB;

export const examine = (facts: Facts): Finding[] => checks.flatMap((check) => check(facts) ?? []);

type Check = (facts: Facts) => Finding | undefined;

const checks: readonly Check[] = [
  function version({ node }) {
    const [major = 0, minor = 0] = node.split('.').map(Number);
    const says = `Node ${node}`;
    if (major < 20 || (major === 20 && minor < 19))
      return problem('Node', says, 'cordon needs Node 20.19 or later: workers cannot be started.');
    if (major % 2 === 1)
      return note('Node', says, 'An odd version is not kept up for long: run an even one in production.');
    if (major === 20) return note('Node', says, 'Node 20 gets no more fixes; 24 contains errors at less cost.');
    return ok('Node', says);
  },
  ({ descriptors }) => {
    if (descriptors === undefined) return undefined;
    const says = `${descriptors} descriptors for each process`;
    return descriptors >= 4096
      ? ok('open files', says)
      : warning(
          'open files',
          says,
          'Each connection takes one; past the limit a worker accepts nobody. Raise it: `ulimit -n 65536`, or LimitNOFILE=65536 in the unit.',
        );
  },
  ({ processes, tasks, cores }) => {
    if (processes === undefined && tasks === undefined) return undefined;
    const most = Math.min(processes ?? Number.POSITIVE_INFINITY, tasks ?? Number.POSITIVE_INFINITY);
    const granted = tasks !== undefined && tasks === most ? ', as the cgroup grants' : '';
    const says = `${most === Number.POSITIVE_INFINITY ? 'any number of' : most} processes and threads${granted}`;
    // A Node process has some eleven threads.
    return most >= 2 * (cores + 1) * 16
      ? ok('processes', says)
      : warning(
          'processes',
          says,
          'Each worker takes about eleven, and past the limit none can be started. Raise it: `ulimit -u`, TasksMax= in the unit, or `docker run --pids-limit`.',
        );
  },
  ({ somaxconn }) => {
    if (somaxconn === undefined) return undefined;
    const says = `the kernel queues ${somaxconn} connections for each socket`;
    return somaxconn >= BACKLOG
      ? ok('backlog', says)
      : warning(
          'backlog',
          says,
          `Node asks for ${BACKLOG}. While all workers start anew, clients wait in this queue, and more are turned away. Raise it: \`sysctl net.core.somaxconn=4096\`.`,
        );
  },
  ({ cores, parallelism }) =>
    cores < parallelism
      ? note(
          'cores',
          `${cores} of ${parallelism}, as the cgroup grants`,
          'So many workers run by default. A quota that is no whole number is rounded down: a worker more would be throttled.',
        )
      : ok('cores', `${cores}`),
  ({ memory, machineMemory, cores }) => {
    const says = `${Math.floor(memory / MB)} MB${memory < machineMemory ? ', as the cgroup grants' : ''}`;
    return memory >= (cores + 1) * WORKER_BYTES
      ? ok('memory', says)
      : warning('memory', says, `That is little for ${cores} workers: give more, or start fewer with --workers.`);
  },
  ({ swap, swapUsed }) => {
    if (swap === undefined || swapUsed === undefined) return undefined;
    const says = swap === 0 ? 'none' : `${Math.floor(swapUsed / MB)} of ${Math.floor(swap / MB)} MB in use`;
    return swapUsed > 64 * MB
      ? warning(
          'swap',
          says,
          'A worker whose heap is swapped out stands still at each garbage collection. Give more memory.',
        )
      : ok('swap', says);
  },
  ({ clock, synchronized }) => {
    const says = new Date(clock).toISOString();
    if (clock < Date.UTC(2025, 0))
      return warning(
        'clock',
        says,
        'That is in the past: logs and certificates will be wrong. Set it, and keep it by NTP.',
      );
    return synchronized === false
      ? note(
          'clock',
          `${says}, and nobody keeps it right`,
          'Times in logs and in the book of errors will not fit those of other machines; cordon itself goes by a clock that never jumps. Keep it by NTP: `timedatectl set-ntp true`.',
        )
      : ok('clock', says);
  },
  ({ pid, init, container }) => {
    if (pid === 1)
      return warning(
        'process 1',
        'this is the first process of its container',
        'Node does not reap children that others have left behind, and an upgrade in place is not possible. Put an init in front: `docker run --init`, or tini.',
      );
    if (init === undefined) return undefined;
    return container && /^(?:node|npm|sh|bash|dash|ash)$/.test(init)
      ? warning(
          'process 1',
          init,
          `Orphans of your workers fall to ${init}, which may not reap them. Put an init in front: \`docker run --init\`, or tini.`,
        )
      : ok('process 1', init);
  },
  ({ runtime: { folder, problem: what } }) =>
    what === undefined
      ? ok('runtime folder', folder)
      : problem('runtime folder', folder, `${what} The control socket belongs there.`),
  ({ nodeOptions, inspector }) => {
    if (!inspector)
      return note(
        'inspector',
        'this Node was built without one',
        'A stuck worker is killed without a word on where it was stuck. Use a Node as nodejs.org builds it.',
      );
    if (/--disable-sigusr1/.test(nodeOptions))
      return note(
        'inspector',
        'switched off by --disable-sigusr1 in NODE_OPTIONS',
        'A stuck worker is killed without a word on where it was stuck.',
      );
    if (/--inspect\b|--inspect-brk|--inspect=/.test(nodeOptions))
      return warning(
        'inspector',
        'opened by NODE_OPTIONS in every process',
        'Who reaches its port runs code in your server, and all workers want the same port. Take it out.',
      );
    return ok('inspector', 'closed, and can be opened for a stuck worker');
  },
  ({ systemd }) => {
    if (systemd === undefined) return undefined;
    const says = `version ${systemd}`;
    return systemd < 253
      ? note('systemd', says, 'OpenFile= comes with 253: until then each notification starts a process of its own.')
      : ok('systemd', says);
  },
  ({ proxyKeepAliveMs, keepAliveMs }) => {
    if (proxyKeepAliveMs === undefined) return undefined;
    const says = `the server keeps idle connections for ${keepAliveMs / 1000} s, the proxy for ${proxyKeepAliveMs / 1000} s`;
    return keepAliveMs > proxyKeepAliveMs
      ? ok('proxy', says)
      : problem(
          'proxy',
          says,
          `The server closes first: what the proxy is just sending is lost as 502. Set server.keepAliveTimeout above ${proxyKeepAliveMs} ms.`,
        );
  },
];

const ok = (about: string, says: string): Finding => ({ about, level: 'ok', says });
const note = (about: string, says: string, advice: string): Finding => ({ about, level: 'note', says, advice });
const warning = (about: string, says: string, advice: string): Finding => ({ about, level: 'warning', says, advice });
const problem = (about: string, says: string, advice: string): Finding => ({ about, level: 'problem', says, advice });
