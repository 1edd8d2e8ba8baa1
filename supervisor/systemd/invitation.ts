// What systemd says to a service as it starts it: which descriptors are its sockets, where to send word, how often it wants to hear.
// All of it is addressed to this process alone, so it is taken out of the environment before anything else is started.
export interface Invitation {
  /** Open descriptors, by the name that the unit gives them. */
  readonly descriptors: readonly { readonly fd: number; readonly name: string }[];
  /** A connected socket on which systemd listens. */
  readonly notifyFd: number | undefined;
  /** The path of that socket, for `systemd-notify`. */
  readonly notifySocket: string | undefined;
  /** systemd ends a service that is silent for longer. */
  readonly watchdogMs: number | undefined;
  /** Whom the descriptors are for, where it is not this process: a shell or npm stands between it and systemd. */
  readonly meantFor: number | undefined;
}

/** The first descriptor that systemd passes. */
const FIRST_FD = 3;
/** The name by which a unit passes the notify socket: `OpenFile=/run/systemd/notify:notify`. */
const NOTIFY = 'notify';

/** No process may take these for its own but the one that systemd has started. */
export const ADDRESSED = [
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_PIDFDID',
  'LISTEN_FDNAMES',
  'NOTIFY_SOCKET',
  'NOTIFY_FD',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
] as const;

/** Whether there is anything to be read. Costs nothing. */
export const isInvited = (environment: NodeJS.ProcessEnv): boolean =>
  ADDRESSED.some((name) => environment[name] !== undefined);

/** Reads what systemd says, and removes it: no worker may take it for its own. */
export function takeInvitation(environment: NodeJS.ProcessEnv, pid: number): Invitation {
  const given: NodeJS.ProcessEnv = {};
  for (const name of ADDRESSED) {
    const value = environment[name];
    if (value !== undefined) given[name] = value;
    delete environment[name];
  }
  return read(given, pid);
}

function read(given: NodeJS.ProcessEnv, pid: number): Invitation {
  const addressee = wholeNumber(given['LISTEN_PID']);
  const count = wholeNumber(given['LISTEN_FDS']) ?? 0;
  const ours = addressee === pid;
  const names = (given['LISTEN_FDNAMES'] ?? '').split(':');
  const all = Array.from({ length: ours ? count : 0 }, (_, index) => ({
    fd: FIRST_FD + index,
    name: names[index] || 'unknown',
  }));
  const microseconds = wholeNumber(given['WATCHDOG_USEC']);
  const watched = given['WATCHDOG_PID'] === undefined || wholeNumber(given['WATCHDOG_PID']) === pid;
  return {
    descriptors: all.filter(({ name }) => name !== NOTIFY),
    notifyFd: all.find(({ name }) => name === NOTIFY)?.fd ?? wholeNumber(given['NOTIFY_FD']),
    notifySocket: given['NOTIFY_SOCKET'] || undefined,
    watchdogMs: microseconds && watched ? microseconds / 1000 : undefined,
    meantFor: ours || count === 0 ? undefined : addressee,
  };
}

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
