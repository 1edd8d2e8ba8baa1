import test from 'ava';
import fc from 'fast-check';
import { type Linked, OpenRequests } from '../../worker/open-requests.js';

interface Item extends Linked {
  readonly name: number;
}

test('it holds what a set would hold, in the same order, whatever comes and goes', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 60 }), (names) => {
      const items = Array.from({ length: 10 }, (_, name): Item => ({ name, before: undefined, behind: undefined }));
      const list = new OpenRequests<Item>();
      const set = new Set<Item>();
      for (const name of names) {
        const item = items[name] as Item;
        if (set.delete(item)) list.delete(item);
        else {
          set.add(item);
          list.add(item);
        }
        if (list.size !== set.size || [...list].some((one, index) => one !== [...set][index])) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('what ends while the list is walked disturbs nobody', (t) => {
  const list = new OpenRequests<Item>();
  for (let name = 0; name < 4; name++) list.add({ name, before: undefined, behind: undefined });
  const seen: number[] = [];
  for (const item of list) {
    seen.push(item.name);
    list.delete(item);
  }
  t.deepEqual(seen, [0, 1, 2, 3]);
  t.is(list.size, 0);
});
