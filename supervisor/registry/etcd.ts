// The registration of this instance in etcd: carries out what `lease.ts` decides. Loaded only where the configuration asks for it.
import { EtcdClient, type EtcdOptions, EtcdRefusal, NOT_FOUND } from './etcd-client.js';
import { due, type Fact, type Keeper, learn, type News, nothingKept, type Order, type Terms } from './lease.js';
import type { Registry, Teller } from './registry.js';

/** A server that does not answer in this time is given up for the next one. */
const SHORTEST_MS = 500;
const LONGEST_MS = 3000;

export class Etcd implements Registry {
  readonly #key: string;
  readonly #terms: Terms;
  readonly #client: EtcdClient;
  readonly #tell: Teller;
  readonly #waiting = new Set<() => void>();
  #keeper: Keeper = nothingKept;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #over = false;

  /** @param path of the entry, below the configured prefix. */
  constructor(options: EtcdOptions, path: string, tell: Teller) {
    const { endpoints, ttlMs, prefix } = options;
    this.#key = `${prefix}/${path}`;
    this.#terms = { ttlMs, servers: endpoints.length };
    const timeoutMs = Math.max(SHORTEST_MS, Math.min(LONGEST_MS, ttlMs / 5));
    this.#client = new EtcdClient(options, timeoutMs, Math.floor(Math.random() * endpoints.length));
    this.#tell = tell;
  }

  hold(entry: string | undefined): void {
    if (this.#keeper.wanted === entry) return;
    this.#keeper = { ...this.#keeper, wanted: entry };
    void this.#turn();
  }

  abandon(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#client.close();
    this.#wake();
  }

  settled(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        const { wanted, written, lease } = this.#keeper;
        const holds = wanted === undefined ? lease === undefined : written === wanted;
        if (this.#over || (holds && !this.#busy)) done();
      };
      const timer = setTimeout(done, withinMs);
      this.#waiting.add(look);
      look();
    });
  }

  async #turn(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#busy || this.#over) return;
    const order = due(this.#keeper, performance.now(), this.#terms);
    if (order.type === 'wait') {
      if (order.until !== undefined)
        this.#timer = setTimeout(() => void this.#turn(), Math.max(1, order.until - performance.now())).unref();
      return this.#wake();
    }
    this.#busy = true;
    const fact = await this.#carryOut(order);
    this.#busy = false;
    if (this.#over) return;
    const { keeper, news } = learn(this.#keeper, fact, performance.now(), this.#terms, Math.random());
    this.#keeper = keeper;
    for (const one of news) this.#report(one);
    void this.#turn();
  }

  async #carryOut(order: Order): Promise<Fact> {
    try {
      switch (order.type) {
        case 'grant': {
          const { ID, TTL } = await this.#client.call('/v3/lease/grant', { TTL: Math.ceil(order.ttlMs / 1000) });
          return { type: 'granted', lease: String(ID), ttlMs: Number(TTL) * 1000 };
        }
        case 'renew': {
          const { TTL } = await this.#client.call('/v3/lease/keepalive', { ID: order.lease });
          // etcd leaves out what is 0.
          return TTL === undefined ? { type: 'lost' } : { type: 'renewed', ttlMs: Number(TTL) * 1000 };
        }
        case 'put':
          await this.#client.call('/v3/kv/put', {
            key: base64(this.#key),
            value: base64(order.value),
            lease: order.lease,
          });
          return { type: 'put', value: order.value };
        case 'revoke':
          await this.#client.call('/v3/lease/revoke', { ID: order.lease });
          return { type: 'revoked' };
      }
    } catch (error) {
      if (error instanceof EtcdRefusal && error.code === NOT_FOUND) return { type: 'lost' };
      return { type: 'failed', why: (error as Error).message };
    }
  }

  #report(news: News): void {
    switch (news.type) {
      case 'registered':
        return this.#tell('info', `registered in etcd as ${this.#key}`);
      case 'gone':
        return this.#tell('info', `taken out of etcd: ${this.#key}`);
      case 'back':
        return this.#tell('info', `etcd answers again, and has ${this.#key}`);
      case 'silent':
        return this.#tell(
          'warn',
          `etcd does not answer (${news.why}), and forgets ${this.#key} ${this.#terms.ttlMs / 1000} s after it last heard of it; requests that come are served, and it is asked again until it answers`,
        );
    }
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
