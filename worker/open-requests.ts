// The requests that are open, in the order in which they came. A list that runs through the requests themselves: each enters and
// leaves it once, and a set that lives on so would be rebuilt over and over.

/** What runs through a request. */
export interface Linked {
  /** @internal */
  before: this | undefined;
  /** @internal */
  behind: this | undefined;
}

export class OpenRequests<Item extends Linked> {
  #first: Item | undefined;
  #last: Item | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** One that is in no list. */
  add(item: Item): void {
    item.before = this.#last;
    if (this.#last) this.#last.behind = item;
    else this.#first = item;
    this.#last = item;
    this.#size++;
  }

  /** One that is in this list. */
  delete(item: Item): void {
    const { before, behind } = item;
    if (before) before.behind = behind;
    else this.#first = behind;
    if (behind) behind.before = before;
    else this.#last = before;
    item.before = undefined;
    item.behind = undefined;
    this.#size--;
  }

  /** As they are now: what is done to one may end it. */
  *[Symbol.iterator](): Generator<Item, void, undefined> {
    const all: Item[] = [];
    for (let item = this.#first; item !== undefined; item = item.behind) all.push(item);
    yield* all;
  }
}
