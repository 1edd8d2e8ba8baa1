// The log's sentences about a storm of errors: that it has begun, and what it was.
import type { Sentence } from './narrate.js';
import type { StormNews } from './storm.js';
import { count, seconds } from './words.js';

export function narrateStorm(news: StormNews): Sentence {
  if (news.type === 'begun') {
    const { perSecond, faulty, intensity, waitMs } = news;
    const spent = `${count(intensity.restarts, 'restart')} in ${seconds(intensity.withinMs)}`;
    return {
      level: 'error',
      event: 'storm',
      text: `error storm: ${rate(perSecond)} errors a second that nobody caught, and as many restarts as may be (${spent}): ${count(faulty, 'worker')} ${faulty === 1 ? 'is' : 'are'} faulty and ${faulty === 1 ? 'serves' : 'serve'} on, each error contained and counted in the book. The next is replaced in ${seconds(Math.max(0, waitMs))}`,
      fields: { errorsPerSecond: rate(perSecond), faulty },
    };
  }
  const { storm, lastedMs, faulty } = news;
  const left =
    faulty === 0 ? '' : `; ${count(faulty, 'faulty worker')} still ${faulty === 1 ? 'waits' : 'wait'} for a successor`;
  return {
    level: 'warn',
    event: 'storm',
    text: `the error storm is over: ${count(storm.errors, 'error')} in ${seconds(Math.max(1000, lastedMs))}, at most ${storm.worst} in a second; ${count(storm.replaced, 'worker')} replaced${left}`,
    fields: { errors: storm.errors, lastedMs: Math.round(lastedMs), worst: storm.worst, replaced: storm.replaced },
  };
}

/** `2430`, `0.4`. */
const rate = (perSecond: number): number => Number(perSecond.toFixed(perSecond >= 10 ? 0 : 1));
