// Wires the parts of a worker together, and is the shell around `lifecycle.ts`: it carries out orders and keeps the one timer.
import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import { AccessLog } from './access.js';
import { Background } from './background.js';
import { beat } from './beat.js';
import { openChannel } from './channel.js';
import type { Handle } from './connections.js';
import { Counting } from './counting.js';
import { current } from './domain/current.js';
import { type Claim, switchOn } from './domain/domain.js';
import { setLastResort } from './domain/escaped.js';
import { guardExit, runListeners } from './exit-guard.js';
import { HandOver } from './handover.js';
import { deadline, type Fact, hasFaulted, type Life, live, type Order } from './lifecycle.js';
import { looks } from './look.js';
import { offerToProgram, requestOf } from './offer.js';
import { probe } from './probe.js';
import { Program } from './program.js';
import { type BootOrders, type Cause, ExitCode, type RequestDetail } from './protocol.js';
import { Redaction } from './redact.js';
import { measure } from './registry.js';
import { Reports, toReport } from './report.js';
import type { Request } from './request.js';
import { Servers } from './server.js';
import { Sockets } from './sockets.js';
import { keepLastWords } from './stdio.js';
import { Whereabouts } from './whereabouts.js';

/** The last reports and answers get this long to leave the process. */
const FLUSH_MS = 1000;

/** WebSocket's close codes. */
const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;
/** Causes after which a newer release serves. */
const COMES_BACK: ReadonlySet<string> = new Set(['reload', 'rollback', 'restart']);

export function start(terms: BootOrders): void {
  keepLastWords(terms.piped);
  let life: Life = { phase: 'booting' };
  const exit = guardExit(() => (hasFaulted(life) || program.signalled) && servers.open.size + handOver.inFlight > 0);
  let timer: NodeJS.Timeout | undefined;

  /** Orders are carried out outside of every domain: nothing of ours may be blamed on a request. */
  const tell = (fact: Fact): void =>
    current.run(undefined, () => {
      const turn = live(life, fact, performance.now());
      life = turn.life;
      for (const order of turn.orders) perform(order);
      clearTimeout(timer);
      const until = deadline(life);
      if (until !== undefined)
        timer = setTimeout(tell, Math.max(0, until - performance.now()), { type: 'time-passed' }).unref();
    });

  const drain = (because: Cause): void => tell({ type: 'drain', because, terms, told: false });

  /** Whether somebody is there who takes connections over. */
  let handsOver = terms.handOver;

  const channel = openChannel({
    order(message, handle) {
      switch (message.type) {
        case 'bound':
          return sockets.bound(message, handle);
        case 'measure':
          return void measured(message.seq);
        case 'look':
          return void look(message.seq, message.look);
        case 'look-away':
          return lookAway(message.seq);
        case 'serve':
          return sockets.serve();
        case 'freed':
          return whereabouts.freed(message.guilty);
        case 'received':
          return handOver.received(message.seq);
        case 'arrived':
          return handOver.arrived();
        case 'returned':
          return handOver.returned(message.seq);
        case 'take-over':
          return handOver.takeOver(message.seq, message.moved, handle as Handle | undefined);
        case 'pass-on':
          return handOver.passOn(message.count);
        case 'keep':
          handsOver = false;
          return servers.keep();
        case 'drain':
          handsOver = message.handOver;
          if (!handsOver) servers.keep();
          return tell({ type: 'drain', because: message.because, terms: message, told: true });
      }
    },
    orphaned: () => {
      handsOver = false;
      handOver.orphaned();
      servers.keep();
      drain('orphaned');
    },
  });
  const reports = new Reports((errors, dropped) => channel.tell({ type: 'errors', errors, dropped }));
  const counting = new Counting();
  let measures = false;
  /** What the program measures itself. */
  const measured = async (seq: number): Promise<void> => {
    const metrics = await current.run(undefined, measure);
    measures = metrics.length > 0;
    channel.tell({ type: 'measured', seq, metrics });
  };
  const { look, lookAway } = looks((step, sent) => channel.tell(step, sent));
  const redaction = new Redaction(terms.redact);
  let latest: unknown;
  const failed = (error: unknown, origin: string, request?: RequestDetail): void => {
    latest = error;
    current.run(undefined, () => reports.add(toReport(error, origin, request)));
    // Error listeners commonly close the server: the successor needs the address all the same.
    sockets.keep();
    tell({ type: 'fault' });
  };
  const listening = (address: AddressInfo | string | null): void => {
    const { address: host, port } =
      typeof address === 'object' && address ? address : { address: String(address), port: -1 };
    channel.tell({ type: 'listening', address: host, port });
    tell({ type: 'listening' });
    if (terms.probe !== undefined) probe(servers.all, terms.probe, () => channel.tell({ type: 'healthy' }));
  };
  const access =
    terms.access && new AccessLog(terms.access, redaction, (lines) => channel.tell({ type: 'access', lines }));
  const counted = ({ method, status, route, openedAt }: Request): void =>
    counting.add({ method, status, route, durationMs: performance.now() - openedAt });
  const recorded = (request: Request): void => {
    counted(request);
    access?.add(request, performance.now() - request.openedAt);
  };
  const sockets = new Sockets(channel, listening, terms.held);
  const handOver = new HandOver(
    channel,
    sockets,
    () => servers.all,
    () => servers.look(),
    () => servers.open.size,
  );
  const servers = new Servers(
    {
      listening,
      failed: (request, error, origin) => failed(error, origin, redaction.request(request.detail)),
      over: access ? recorded : counted,
      emptied: () => void left(),
    },
    handOver,
    terms.tasks ? new Background(() => servers.look()) : undefined,
  );
  const program = new Program(
    (error) => current.run(undefined, () => reports.add(toReport(error, 'reported'))),
    terms.signal,
  );
  let leaving: Promise<void> | undefined;
  const left = async (): Promise<void> => {
    leaving ??= program.drained();
    await leaving;
    // A connection may have come back meanwhile.
    if (servers.isEmpty) tell({ type: 'emptied' });
  };

  /** An error that no open request can be blamed for. Before anything listens it ends the process, as without cordon. */
  const lastResort = (error: unknown, origin: string): Claim => {
    if (life.phase === 'booting') return 'unclaimed';
    failed(error, origin);
    return 'contained';
  };

  /** Most listeners that throw pass on what they were told of. */
  const tellProgram = (listeners: () => boolean, byThrow: boolean): boolean => {
    if (life.phase === 'booting') return listeners();
    return runListeners(listeners, (error) => {
      // Node announces it as one more error that nobody caught.
      if (!byThrow) throw error;
      if (error !== latest) failed(error, 'uncaughtException');
    });
  };

  const cut = (doomed = false): void =>
    channel.tell({ type: 'cut', requests: servers.cut(doomed).map((one) => redaction.name(one)) });
  const whereabouts = new Whereabouts({
    current: () => requestOf(current.getStore()),
    detail: (request) => redaction.request(request.detail),
    cut: () => {
      cut(true);
      servers.flush();
    },
  });

  const perform = (order: Order): void => {
    switch (order.type) {
      case 'tell':
        return channel.tell(order.message);
      case 'stop-accepting':
        sockets.drain();
        servers.drain(order.lingerMs, handsOver, {
          spreadMs: terms.closeSpreadMs,
          code: life.phase === 'draining' && COMES_BACK.has(life.because) ? SERVICE_RESTART : GOING_AWAY,
          quiet: () => program.signal(),
        });
        return program.drain(life.phase === 'draining' ? life.because : 'stop');
      case 'cut':
        return cut();
      case 'leave':
        return leave(order.code);
    }
  };

  const leave = (code: number): void => {
    handOver.close();
    reports.flush();
    access?.flush();
    sayHow();
    const done = (): void => exit(code);
    // What was cut still has to be written; all else has been answered.
    if (code === ExitCode.cut) setTimeout(done, FLUSH_MS);
    else {
      setTimeout(done, FLUSH_MS);
      const say = (): void => channel.tell({ type: 'leaving' }, done);
      if (measures) void measured(0).finally(say);
      else say();
    }
  };

  switchOn();
  setLastResort(lastResort, tellProgram);
  sockets.install();
  servers.install(() => sockets.keeps);
  access?.install();

  // To leave the cluster is to drain, whichever way the program says it: none of them ends somebody's request.
  process.disconnect = () => drain('disconnected');
  const { worker } = cluster;
  if (worker) {
    const leaveCluster = (): typeof worker => {
      worker.exitedAfterDisconnect = true;
      drain('disconnected');
      return worker;
    };
    worker.disconnect = leaveCluster;
    worker.destroy = worker.kill = leaveCluster;
  }
  offerToProgram(program, (error, context, request) => {
    const detail = request && redaction.request(request.detail);
    current.run(undefined, () => reports.add(toReport(error, 'reported', detail, context)));
  });
  if (terms.handOver && terms.balance) handOver.tellHeld();
  channel.tell({ type: 'started' });
  const sayHow = beat(
    terms.beatMs,
    () => ({ ...servers.account, ...counting.counts }),
    (message) => {
      whereabouts.beat();
      channel.tell({ type: 'beat', ...message });
    },
  );
}
