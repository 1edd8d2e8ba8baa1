// Which workers hold more than their share of connections, and how many each of them should pass on. Pure: counts in, moves out.

/** Within so much of its share a worker is left alone: moving a connection is cheap, and still not free. */
const BAND = 1.25;
/** Few connections need no balance. */
const LEAST = 2;

/** By worker: how many of its connections are for others. Nothing where the counts are within the band. */
export function excess(held: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  const total = [...held.values()].reduce((sum, count) => sum + count, 0);
  const share = total / held.size;
  // What others can take without getting above their share themselves.
  let room = [...held.values()].reduce((sum, count) => sum + Math.max(0, Math.floor(share) - count), 0);
  const moves = new Map<number, number>();
  for (const [worker, count] of [...held].toSorted(([, one], [, other]) => other - one)) {
    const over = Math.min(room, count - Math.ceil(share));
    if (count <= share * BAND || over < LEAST) continue;
    moves.set(worker, over);
    room -= over;
  }
  return moves;
}
