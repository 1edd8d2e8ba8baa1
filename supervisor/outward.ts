// Those who send requests to this machine are told here how it stands: HAProxy by its agent, everybody else by a registry. What is not
// configured is not loaded.
import os from 'node:os';
import type { Config } from '../config/config.js';
import type { Agents } from './agent/agent.js';
import type { Registry, Teller } from './registry/registry.js';
import type { Standing } from './standing.js';
import type { Fleet } from './state.js';

export interface Means {
  readonly config: Pick<Config, 'name' | 'agent' | 'registry'>;
  readonly fleet: () => Fleet;
  readonly standing: Standing;
  readonly tell: Teller;
}

/** A registry that answers takes milliseconds; one that does not must not hold up a stop. */
const LAST_WORD_MS = 1500;

export class Outward {
  readonly #means: Means;
  #agents: Agents | undefined;
  #registry: Registry | undefined;
  #entry: (() => string | undefined) | undefined;
  #left = false;

  constructor(means: Means) {
    this.#means = means;
  }

  /**
   * Only whoever leads may speak for this machine.
   * @param untilMs how long an address may be another's, who is about to give it up.
   * @throws {OperatorError} where an address cannot be had.
   */
  async open(untilMs: number): Promise<void> {
    const { config, fleet, standing, tell } = this.#means;
    const { agent, registry } = config;
    if (registry.etcd.endpoints.length > 0) {
      const [{ Etcd }, { entryOf }] = await Promise.all([import('./registry/etcd.js'), import('./registry/entry.js')]);
      const instance = { ...registry, name: config.name, host: os.hostname() };
      this.#entry = () => entryOf(fleet(), standing.stand, instance);
      this.#registry = new Etcd(registry.etcd, `${config.name}/${registry.address}`, tell);
      this.look();
    }
    if (agent.listen.length > 0) {
      const { answer, Agents } = await import('./agent/agent.js');
      this.#agents = new Agents(() => answer(fleet(), standing.stand));
      if (this.#left) return;
      await this.#agents.open(agent.listen, untilMs);
    }
  }

  /** After every turn of the fleet, and whenever else its standing may have changed. */
  look(): void {
    if (!this.#left) this.#registry?.hold(this.#entry?.());
  }

  /** A successor speaks for this machine from now on. */
  leave(): void {
    this.#left = true;
    this.#agents?.close();
    this.#registry?.abandon();
  }

  /** Resolves when the last word is heard. */
  async end(): Promise<void> {
    if (!this.#left) await this.#registry?.settled(LAST_WORD_MS);
    this.leave();
  }
}
