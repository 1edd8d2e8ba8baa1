// Which request gets which answer. The handlers are few lines each; what takes more has a file of its own.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { longestMs } from '../../config/duration.js';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import type { IncidentQuestion, IncidentState } from '../incidents/incidents.js';
import { holdOpen, sendProfile } from './look.js';
import { carryOut } from './order.js';
import { showPast } from './past.js';
import { type DiffReply, type Endpoint, type ErrorsReply, endpoints, PREFIX, type Right, VERSION } from './protocol.js';
import { redacted } from './redact.js';
import { answer, checkQuery, noEndpoint, Refused, readBody, send } from './reply.js';
import type { Sources } from './sources.js';
import { Usages } from './usage.js';
import { statusReply, workerDocument } from './views.js';

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What stands for `:id`. */
  readonly id: string;
}
type Handler = (asked: Asked) => void | Promise<void>;

/** What the TCP address of `metrics.listen` serves, and nothing else. */
const PUBLIC: readonly Endpoint[] = ['GET /metrics', 'GET /livez', 'GET /readyz'];

export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Throws `Refused` where the request has no answer. */
export function routes(sources: Sources): (audience: Right | 'public') => Answer {
  const table = handlers(sources, new Usages());
  const patterns = (Object.keys(endpoints) as Endpoint[]).map((endpoint) => {
    const [method = '', path = ''] = endpoint.split(' ');
    return { endpoint, method, path: new RegExp(`^${path.replace(':id', '([^/]+)')}$`) };
  });
  return (audience) => {
    const shown = patterns.filter(({ endpoint }) => audience !== 'public' || PUBLIC.includes(endpoint));
    const known = Object.fromEntries(shown.map(({ endpoint }) => [endpoint, endpoints[endpoint]]));
    return async (request, response) => {
      const { path, query } = target(request.url);
      const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
      const there = shown.filter((pattern) => pattern.path.test(path));
      if (there.length === 0) throw noEndpoint(`${shorten(path)}${otherVersion(path)}`, known);
      const route = there.find((pattern) => pattern.method === method);
      if (!route) {
        const methods = there.map((one) => one.method).join(', ');
        response.setHeader('allow', methods);
        throw new Refused(405, `${shorten(path)} takes ${methods}`);
      }
      if (audience === 'read' && method !== 'GET')
        throw new Refused(403, 'this socket is for reading only', { exitCode: ExitCode.permission });
      await table[route.endpoint]({ request, response, query, id: route.path.exec(path)?.[1] ?? '' });
    };
  };
}

const shorten = (path: string): string => (path.length > 100 ? `${path.slice(0, 100)}…` : path);
const otherVersion = (path: string): string =>
  /^\/v\d+\//.test(path) && !path.startsWith(`${PREFIX}/`) ? `; this cordon speaks ${PREFIX}` : '';

function target(url = '/'): { readonly path: string; readonly query: URLSearchParams } {
  const at = url.indexOf('?');
  return { path: at < 0 ? url : url.slice(0, at), query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)) };
}

function handlers(sources: Sources, usages: Usages): Readonly<Record<Endpoint, Handler>> {
  const { commands, incidents, journal, whole: whose } = sources;
  return {
    'GET /v1/status': ({ response }) => answer(response, 200, statusReply(sources, usages)),
    'GET /v1/fleet': ({ response }) =>
      answer(response, 200, { ...statusReply(sources, usages), config: redacted(sources.config()) }),
    'GET /v1/workers/:id': ({ response, id }) =>
      answer(response, 200, workerDocument(number(id), sources, usages) ?? absent('worker', id)),
    'GET /v1/errors': ({ response, query }) => {
      const { name } = commands.status();
      const question = questionOf(query);
      const shown = incidents.list(question);
      const more = question.lines === undefined ? {} : { more: incidents.count(question) - shown.length };
      answer(response, 200, { version: VERSION, name, incidents: shown, ...more } satisfies ErrorsReply);
    },
    'GET /v1/errors/:id': ({ response, id }) =>
      answer(response, 200, { version: VERSION, ...(incidents.show(id) ?? absent('incident', id)) }),
    'POST /v1/errors/:id/resolve': async ({ request, response, id }) => {
      await readBody(request, {});
      if (!incidents.resolve(id)) absent('incident', id);
      answer(response, 200, { version: VERSION, ok: true });
    },
    'GET /v1/events': ({ response, query }) => showPast(journal.events, query, response),
    'GET /v1/logs': ({ response, query }) => showPast(journal.lines, query, response),
    'POST /v1/logs/reopen': async ({ request, response }) => {
      await readBody(request, {});
      await carryOut(request, response, sources, async () => {
        const { files, why } = (await sources.reopen?.()) ?? { files: [], why: undefined };
        if (why !== undefined) return { ok: false, why };
        if (files.length > 0) return { ok: true, files };
        return { ok: false, why: 'it has no log file: set logs.file' };
      });
    },
    'GET /metrics': async ({ response }) => {
      if (!sources.metrics) throw new Refused(404, 'this cordon has no metrics yet');
      send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', await sources.metrics());
    },
    'GET /livez': ({ response }) => send(response, 200, 'text/plain', 'ok\n'),
    'GET /readyz': ({ response }) => {
      const { state, serving, size, ready, maintenance } = commands.status();
      send(
        response,
        ready ? 200 : 503,
        'text/plain',
        `${ready ? 'ok' : 'not ready'}: ${serving}/${size} workers serve, ${maintenance ? 'maintenance' : state}\n`,
      );
    },
    'POST /v1/reload': async ({ request, response }) => {
      const form = { canary: 'boolean', bakeMs: 'number', env: 'texts', all: 'boolean' } as const;
      const { all = false, ...ask } = await readBody(request, form);
      if (ask.bakeMs !== undefined && !(ask.bakeMs >= 0 && ask.bakeMs <= longestMs))
        throw new Refused(400, `bakeMs: expected from 0 to ${longestMs}`);
      // The only app is all there is, and its file may name more by now.
      const whole = all || whose?.isSeveral === false ? whose : undefined;
      await carryOut(request, response, sources, () => (whole ?? commands).reload(ask));
    },
    'POST /v1/diff': async ({ request, response }) => {
      const { file } = await readBody(request, { file: 'text' });
      if (!whose) throw new Refused(404, 'this cordon has nothing to compare');
      const apps = await whose.compare(file).catch((error: unknown) => {
        if (error instanceof OperatorError) throw new Refused(409, error.message, { exitCode: error.exitCode });
        throw error;
      });
      answer(response, 200, { version: VERSION, apps } satisfies DiffReply);
    },
    'POST /v1/rollback': async ({ request, response }) => {
      await readBody(request, {});
      await carryOut(request, response, sources, () => commands.rollback());
    },
    'POST /v1/restart': async ({ request, response }) => {
      await readBody(request, {});
      await carryOut(request, response, sources, () => commands.restart());
    },
    'POST /v1/scale': async ({ request, response }) => {
      const { to, by } = await readBody(request, { to: 'number', by: 'number' });
      if ((to === undefined) === (by === undefined)) throw new Refused(400, 'expected either "to" or "by"');
      if (!Number.isInteger(to ?? by)) throw new Refused(400, 'expected a whole number');
      await carryOut(request, response, sources, () => commands.scale(to === undefined ? { by: by ?? 0 } : { to }));
    },
    'POST /v1/maintenance': async ({ request, response }) => {
      const { on } = await readBody(request, { on: 'boolean' });
      if (on === undefined) throw new Refused(400, 'expected "on"');
      await carryOut(request, response, sources, () => Promise.resolve(commands.maintain(on)));
    },
    'POST /v1/upgrade': async ({ request, response }) => {
      await readBody(request, {});
      await carryOut(request, response, sources, async () => {
        const outcome = await commands.upgrade();
        return outcome.ok ? { ok: true, pid: outcome.pid, cordon: outcome.version, node: outcome.node } : outcome;
      });
    },
    'POST /v1/stop': async ({ request, response }) => {
      const { now = false, all = false } = await readBody(request, { now: 'boolean', all: 'boolean' });
      await carryOut(request, response, sources, async () => {
        await ((all ? whose : undefined) ?? commands).stop({ now });
        return { ok: true, cutBy: 'anyone' };
      });
    },
    'POST /v1/workers/:id/drain': async ({ request, response, id }) => {
      await readBody(request, {});
      const worker = number(id);
      if (!commands.status().workers.some((one) => one.id === worker)) absent('worker', id);
      await carryOut(request, response, sources, async () => ({ ...(await commands.drain(worker)), cutBy: worker }));
    },
    'POST /v1/workers/:id/profile': async ({ request, response, id }) => {
      const { cpuMs, heap } = await readBody(request, { cpuMs: 'number', heap: 'boolean' });
      const ask = heap === true ? ({ heap } as const) : { cpuMs: cpuMs ?? 0 };
      if ((cpuMs === undefined) === (heap !== true)) throw new Refused(400, 'expected either "cpuMs" or "heap": true');
      await sendProfile(response, (signal) => sources.looking.profile(number(id), ask, signal));
    },
    'POST /v1/workers/:id/inspect': async ({ request, response, id }) => {
      await readBody(request, {});
      await holdOpen(response, (signal) => sources.looking.inspect(number(id), signal));
    },
  };
}

const STATES: readonly IncidentState[] = ['new', 'known', 'resolved', 'returned'];

function questionOf(query: URLSearchParams): IncidentQuestion {
  checkQuery(query, ['lines', 'since', 'state']);
  const [lines, since] = [query.get('lines'), query.get('since')];
  const asked = query.get('state');
  const state = STATES.find((one) => one === asked);
  if (asked !== null && !state) throw new Refused(400, `state: expected one of ${STATES.join(', ')}`);
  return {
    ...(lines !== null && { lines: number(lines) }),
    ...(since !== null && { since: number(since) }),
    ...(state && { state }),
  };
}

const number = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new Refused(400, `expected a whole number, got ${JSON.stringify(shorten(text))}`);
  return Number(text);
};

function absent(what: string, id: string): never {
  throw new Refused(404, `there is no ${what} ${shorten(id)}`);
}
