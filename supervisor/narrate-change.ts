// The log's sentences about changes that somebody asked for: reload, restart, scale, recycle.
import type { Event } from './event.js';
import type { Sentence } from './narrate.js';
import type { Failure, Plan } from './reload-state.js';
import { type Count, type Fleet, find } from './state.js';
import { count, seconds } from './words.js';

/** What was asked for; nothing where the fleet is ending. */
export function asked(event: Event, before: Fleet, after: Fleet): Sentence[] {
  if (before.goal !== 'serve') return [];
  switch (event.type) {
    case 'reload-asked':
      return [{ level: 'info', text: `reload: generation ${event.generation} begins${how(event.plan)}` }];
    case 'restart-asked': {
      const who = before.size === 1 ? 'the worker leaves' : `all ${before.size} workers leave at once`;
      return [{ level: 'info', text: `restart: ${who}, clients wait for generation ${event.generation}` }];
    }
    case 'scale-asked':
      return before.size === after.size
        ? []
        : [{ level: 'info', text: `scale: from ${before.size} to ${count(after.size, 'worker')}` }];
    case 'recycle-asked': {
      const about = find(before, event.id);
      const heard = about && about.phase !== find(after, event.id)?.phase;
      return heard ? [{ level: 'info', text: `worker ${event.id} is to be replaced: it was asked for`, about }] : [];
    }
    case 'recall-asked':
    case 'ready':
    case 'binding':
    case 'listening':
    case 'faulted':
    case 'beat':
    case 'draining':
    case 'exited':
    case 'stop-asked':
    case 'halt-asked':
    case 'examined':
    case 'excused':
    case 'overslept':
    case 'time-passed':
      return [];
  }
}

function how({ canary, surge }: Plan): string {
  if (canary) return `, one worker first, watched for ${seconds(canary.bakeMs)}`;
  return surge === 1 ? ', one worker at a time' : `, ${surge} workers at a time`;
}

/** A canary is watched from now on, or has done well. */
export function watched({ reload: was }: Fleet, { reload: is }: Fleet): Sentence[] {
  if (is === undefined || was?.generation !== is.generation || was.stage.at === is.stage.at) return [];
  const { stage, generation, plan } = is;
  if (stage.at === 'baking')
    return [
      {
        level: 'info',
        text: `the first worker of generation ${generation} is watched for ${seconds(plan.canary?.bakeMs ?? 0)}`,
      },
    ];
  if (was.stage.at !== 'baking') return [];
  const { fresh } = was.stage;
  const text = `generation ${generation} did well for ${seconds(plan.canary?.bakeMs ?? 0)} (${errors(fresh)}): the other workers follow`;
  return [{ level: 'info', text }];
}

export function reloaded(generation: number, failure: Failure | undefined, { generation: old, goal }: Fleet): Sentence {
  if (failure === undefined) return { level: 'info', text: `reload done: generation ${generation} serves` };
  const text = `reload of generation ${generation} came to nothing: ${whyNot(failure)}`;
  const wished = ['superseded', 'stopped', 'recalled'].includes(failure.type);
  if (wished || goal !== 'serve') return { level: 'info', text };
  return { level: 'error', text: `${text}; generation ${old} serves on`, fields: { failure } };
}

/** One clause. */
export function whyNot(failure: Failure): string {
  switch (failure.type) {
    case 'died':
      return `worker ${failure.worker} died before it was ready (${ending(failure)})`;
    case 'left':
      return `worker ${failure.worker} left before it was ready`;
    case 'stalled': {
      const { worker, afterMs, missing } = failure;
      const where = missing.length === 0 ? '' : `: the old ones listen on ${missing.join(' and ')}, it does not`;
      return `worker ${worker} was not ready in ${seconds(afterMs)}${where}`;
    }
    case 'crashed':
      return `worker ${failure.worker} died in service (${ending(failure)})`;
    case 'errors':
      return `it failed ${errors(failure.fresh)}; the old one ${errors(failure.stale)}`;
    case 'faults':
      return `it met ${count(failure.faults, 'error')} that nobody caught; the old one met none`;
    case 'late':
      return `its event loop was more than ${seconds(failure.lagMs)} late, again and again`;
    case 'silent':
      return 'its event loop stands still';
    case 'recalled':
      return 'it was called off';
    case 'mute':
      return `it answered none of ${count(failure.open, 'request')}, while the old one answered ${failure.stale.served}`;
    case 'superseded':
      return `generation ${failure.by} was asked for`;
    case 'stopped':
      return 'the fleet stops';
  }
}

const ending = ({ code, signal }: { readonly code: number | null; readonly signal: string | null }): string =>
  signal ?? (code === null ? 'it could not be started' : `exit code ${code}`);

const errors = ({ served, failed }: Count): string => `${failed} of ${count(served, 'request')}`;
