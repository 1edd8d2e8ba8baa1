// The scenarios, as data: who asks what, what is done to the fleet meanwhile, and which bars it has to clear. `needs` names what
// must be there first (see needs.mjs); of a configuration, what this cordon does not know is left out.

const kept = [
  { role: 'user', group: 'kept', count: 34, kept: true, asks: { fast: 90, slow: 10 }, thinkMs: [0, 10] },
  { role: 'user', group: 'kept uploads', count: 3, kept: true, asks: { upload: 1 }, thinkMs: [0, 50] },
  { role: 'user', group: 'kept downloads', count: 3, kept: true, asks: { download: 3, leisure: 1 }, thinkMs: [0, 50] },
];
const fresh = [
  { role: 'user', group: 'new', count: 14, kept: false, asks: { fast: 80, slow: 20 }, thinkMs: [10, 40] },
  { role: 'user', group: 'new uploads', count: 3, kept: false, asks: { upload: 1 }, thinkMs: [0, 50] },
  { role: 'user', group: 'new downloads', count: 3, kept: false, asks: { download: 3, leisure: 1 }, thinkMs: [0, 50] },
];
/** `needs`: what ends them in order when a worker drains. Without it the kill timer cuts them. */
const streams = (needs) => [
  { role: 'talker', group: 'websockets', count: 8, needs },
  { role: 'listener', group: 'events', count: 8, needs },
];
const failing = [{ role: 'user', group: 'failing', count: 1, kept: false, asks: { fault: 1 }, everyMs: 95 }];
const clients = [...kept, ...fresh, ...streams(['key:stop.closeSpread'])];
/** As many clients, of whom each thinks longer, so that the machine is not what limits a successor's boot. */
const calm = [...kept, ...fresh, ...streams()].map((one) => ({
  ...one,
  ...(one.thinkMs && { thinkMs: [40, 120] }),
}));

/** The backoff is for what fails again and again; here that is the test's doing. */
const backoff = { min: '1ms', max: '1ms', jitter: 0 };
const config = {
  stop: { linger: '1s', closeSpread: '1s', timeout: '20s' },
  fault: { killTimeout: '20s' },
  restart: { backoff, intensity: { restarts: 120, within: '1m' } },
};
const unlimited = { ...config, restart: { backoff, intensity: { restarts: 1_000_000, within: '1m' } } };

const changes = {
  reload: { do: 'reload', times: 10 },
  scale: { do: 'scale', by: [1, 1, -1, -1, 1, -1, -1, 1, 1, -1] },
  restart: { do: 'restart', times: 5 },
  upgrade: { do: 'upgrade', times: 3 },
};
const needs = {
  reload: ['signal:SIGHUP'],
  scale: ['signal:SIGTTIN', 'signal:SIGTTOU'],
  restart: ['command:restart'],
  upgrade: ['signal:SIGUSR2'],
};

/** What a machine that is busy with other things can tell: fewer of everything, and no bar that is a matter of milliseconds. */
export const short = (scenario) => ({
  ...scenario,
  // Where clients are as starved as servers, a linger of a second is over before they have asked again.
  config: { ...scenario.config, stop: { ...scenario.config.stop, linger: '5s' } },
  requests: undefined,
  bars: scenario.bars.filter((name) => name !== 'successor'),
  steps: scenario.steps
    .filter((step) => step.do !== 'measure-boot')
    .map((step) => ({
      ...step,
      ...(step.times && { times: Math.min(step.times, 3) }),
      ...(step.rounds && { rounds: 1 }),
      ...(step.count > 60 && { count: 300 }),
      ...(step.by && { by: [1, -1] }),
    })),
});

export const scenarios = {
  steady: {
    title: 'nothing is done to it: what the referee sees must be nothing',
    workers: 2,
    clients: [...kept, ...fresh, ...streams()],
    config,
    steps: [],
    bars: ['lost', 'requests', 'reopened', 'exit'],
  },
  faults: {
    title: 'a request fails every 100 ms',
    workers: 2,
    clients: [...clients, ...failing],
    config,
    steps: [],
    bars: ['lost', 'requests', 'reopened', 'replaced', 'exit'],
  },
  sigkill: {
    title: 'SIGKILL of a random worker each second, 30 times',
    workers: 3,
    clients: calm,
    config: unlimited,
    steps: [{ do: 'measure-boot' }, { do: 'kill', times: 30, everyMs: 1000, queueMs: 4 }],
    bars: ['lost', 'requests', 'steps', 'successor', 'exit'],
    allowanceMs: 50,
  },
  standby: {
    title: 'SIGKILL of a random worker each second, with a standby',
    workers: 3,
    needs: ['key:standby'],
    clients: calm,
    config: { ...unlimited, standby: 1 },
    steps: [{ do: 'kill', times: 30, everyMs: 1000, queueMs: 1, anywhere: true }],
    bars: ['lost', 'requests', 'steps', 'successor', 'exit'],
    allowanceMs: 25,
  },
  sigterm: {
    title: 'SIGTERM of the supervisor under load',
    workers: 3,
    clients,
    config,
    steps: [{ do: 'stop' }],
    bars: ['lost', 'requests', 'stopped'],
  },
  reload: {
    title: '10 reloads',
    workers: 3,
    needs: needs.reload,
    clients,
    config,
    steps: [changes.reload],
    bars: ['lost', 'requests', 'steps', 'reopened', 'exit'],
  },
  scale: {
    title: '10 steps of scale, up and down',
    workers: 2,
    needs: needs.scale,
    clients,
    config,
    steps: [changes.scale],
    bars: ['lost', 'requests', 'steps', 'reopened', 'exit'],
  },
  restart: {
    title: '5 restarts, all workers at once',
    workers: 3,
    needs: needs.restart,
    clients,
    config,
    steps: [changes.restart],
    bars: ['lost', 'requests', 'steps', 'reopened', 'exit'],
  },
  upgrade: {
    title: '3 upgrades of the supervisor',
    workers: 2,
    needs: needs.upgrade,
    clients,
    config,
    steps: [changes.upgrade],
    bars: ['lost', 'requests', 'steps', 'reopened', 'exit'],
  },
  changes: {
    title: '10 reloads, 10 steps of scale, 5 restarts, 3 upgrades, and a request that fails every 100 ms',
    workers: 2,
    needs: Object.values(needs).flat(),
    clients: [...clients, ...failing],
    config,
    requests: 200_000,
    steps: [changes.reload, changes.scale, changes.restart, changes.upgrade],
    bars: ['lost', 'requests', 'steps', 'reopened', 'exit'],
  },
  'bad-dies': {
    title: 'a release that dies at its start',
    workers: 3,
    needs: ['command:reload'],
    clients,
    config,
    steps: [{ do: 'refused', release: 'dies', says: 'the database is not there', times: 2 }],
    bars: ['lost', 'requests', 'steps', 'reopened', 'exit'],
  },
  'bad-silent': {
    title: 'a release that never gets ready',
    workers: 3,
    needs: ['command:reload'],
    clients,
    config: { ...config, ready: { timeout: '3s' } },
    steps: [{ do: 'refused', release: 'silent', says: 'ready|in time|3 s', times: 2 }],
    bars: ['lost', 'requests', 'steps', 'reopened', 'exit'],
  },
  'bad-sick': {
    title: 'a release that gets ready and fails a third of its requests, with a canary',
    workers: 3,
    needs: ['command:reload', 'key:reload.canary', 'key:reload.bake'],
    clients,
    config: { ...config, reload: { canary: true, bake: '10s', maxErrorRatio: 2 } },
    steps: [{ do: 'rolled-back', release: 'sick', says: 'error|fail|rolled back', withinMs: 10_000 }],
    bars: ['lost', 'requests', 'steps', 'exit'],
  },
  crowd: {
    title: '60 clients connect at once to 4 workers',
    workers: 4,
    needs: ['key:handOver'],
    clients: [],
    config,
    requests: 5_000,
    steps: [{ do: 'crowd', count: 60, afterMs: 1000, rounds: 5 }],
    bars: ['lost', 'requests', 'steps', 'balance', 'exit'],
  },
  idle: {
    title: '5,000 idle kept connections on a busy fleet, over a reload',
    workers: 3,
    needs: needs.reload,
    clients,
    config,
    steps: [
      { do: 'hold', count: 5000 },
      { do: 'reload', times: 1 },
      { do: 'release', count: 5000 },
    ],
    bars: ['lost', 'requests', 'steps', 'held', 'exit'],
  },
};
