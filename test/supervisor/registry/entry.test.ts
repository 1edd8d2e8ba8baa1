// What a registry is told of an instance.
import test from 'ava';
import { entryOf } from '../../../supervisor/registry/entry.js';
import type { Fleet } from '../../../supervisor/state.js';
import { Story, serving } from '../../support/story.js';

const instance = { name: 'api', address: '10.0.0.5:3000', weight: 200, host: 'web1' };
const told = (fleet: Fleet): unknown => JSON.parse(entryOf(fleet, 'up', instance) ?? 'null');

test('the weight follows the share of workers that serve, and who stands by is not missed', (t) => {
  t.deepEqual(told(serving(4).fleet), {
    version: 1,
    name: 'api',
    address: '10.0.0.5:3000',
    weight: 200,
    health: 'ok',
    ready: 4,
    workers: 4,
    generation: 1,
    host: 'web1',
  });
  t.like(told(serving(4).crashed(1).fleet), { weight: 150, ready: 3 });
  t.like(told(new Story(2, { standby: 1 }).ready(1, 2).fleet), { weight: 200, ready: 2, workers: 2 });
});

test('there is no entry where no new request is to come', (t) => {
  for (const stand of ['starting', 'down', 'maintenance', 'leaving'] as const)
    t.is(entryOf(serving(2).fleet, stand, instance), undefined, stand);
});
