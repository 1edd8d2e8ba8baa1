// The listening sockets. The supervisor binds and owns them, never reads from them, and gives each worker that listens a copy:
// workers accept by themselves, and while none is alive clients wait in the kernel's backlog.
import type { BindableAddress, ListenAddress } from '../config/config.js';
import type { BindQuery } from '../worker/protocol.js';
import {
  adopt,
  bindPort,
  cannotBind,
  create,
  EADDRINUSE,
  type Handle,
  openPath,
  removePath,
  removeStale,
} from './bind.js';
import type { Inherited } from './inheritance.js';
import { compare, matching, nameOfLent } from './lent.js';
import { isGivenUp, type OwnedSocket, own } from './owned.js';
import { isSameHost, isTcp, pinnedPlace, placeOf } from './place.js';

export type Bound =
  | { readonly key: string; readonly handle: Handle; readonly ticketKeys: string | undefined }
  | { readonly key: string; readonly error: number };

export class Sockets {
  readonly #owned = new Map<string, OwnedSocket>();
  /** Bound because the operator said so, by port or path; they stay whatever the workers do. */
  readonly #pinned: OwnedSocket[] = [];
  /** systemd's. They stay whatever the workers do, and listen on after us. */
  readonly #lent: OwnedSocket[] = [];
  /** From a predecessor, as far as they can be asked for by their place, or by nobody. */
  readonly #inherited: OwnedSocket[] = [];
  readonly #tookOver: (path: string) => void;
  /** False while a predecessor serves on what is inherited: an upgrade that fails must leave it as it was. */
  #leads = true;
  /** Files of unix sockets that went while the predecessor served there. */
  #spared: string[] = [];
  #newest = 0;

  /** `tookOver` hears of each path that a dead process had left behind. */
  constructor(tookOver: (path: string) => void) {
    this.#tookOver = tookOver;
  }

  /** Before anything is bound. A worker, or the operator, that asks for one of these addresses is given this very socket. */
  inherit(all: readonly Inherited[]): void {
    for (const inherited of all) {
      const { heirloom } = inherited;
      const owned = own(adopt(inherited), heirloom, true);
      if (heirloom.lent !== undefined) {
        this.#lent.push(owned);
        continue;
      }
      this.#leads = false;
      if (heirloom.key !== undefined) this.#owned.set(heirloom.key, owned);
      if (heirloom.place !== '' || heirloom.key === undefined) this.#inherited.push(owned);
    }
  }

  /** Everything, for an heir: pass on the descriptors in this order. */
  bequeath(): readonly Inherited[] {
    return [...new Set([...this.#owned.values(), ...this.#pinned, ...this.#lent])].map(
      ({ handle, heirloom, ticketKeys }) => ({
        fd: handle.fd,
        heirloom: { ...heirloom, ...(ticketKeys !== undefined && { ticketKeys }) },
      }),
    );
  }

  /** The heir has them: nothing is closed here, for the path of a unix socket would go with it. */
  forsake(): void {
    this.#owned.clear();
    this.#pinned.length = 0;
    this.#inherited.length = 0;
    this.#lent.length = 0;
  }

  /** The predecessor has stepped back: what goes from now on goes with its file. What its workers' successors gave up meanwhile is first. */
  lead(): void {
    this.#leads = true;
    for (const path of this.#spared.splice(0)) removePath(path);
    for (const [key, owned] of this.#owned) if (isGivenUp(owned)) this.#drop(key, owned);
  }

  /** The fleet is up, and leads. What only the predecessor's operator had asked for is given up, so that no client waits there in vain. */
  disclaim(): void {
    const kept = new Set([...this.#owned.values(), ...this.#pinned]);
    for (const owned of this.#inherited.splice(0)) if (!kept.has(owned)) this.#shut(owned);
  }

  /** @throws {OperatorError} where the operator's list and what systemd has lent do not fit together. */
  check(listen: readonly ListenAddress[]): void {
    compare(this.#lent, listen);
  }

  /** What is lent, and nobody has listened on so far: its clients wait. */
  get unserved(): readonly string[] {
    return this.#lent.filter(({ holders }) => holders.size === 0).map(({ heirloom }) => nameOfLent(heirloom));
  }

  /** Binds an address before any worker starts. One that is taken fails here and by name. */
  async pin(address: ListenAddress): Promise<void> {
    // Compared with what there is before: it is there.
    if ('inherited' in address) return;
    const place = placeOf(address);
    const lent = matching(this.#lent, place, 'host' in address ? address.host : undefined);
    if (lent && (!('host' in address) || isSameHost(lent.heirloom.host, address.host))) return;
    if (at(this.#pinned, place, address)) return;
    this.#pinned.push(this.#claim(place, address) ?? (await this.#open(place, address)));
  }

  /** Takes back what was pinned for a generation that came to nothing. Who listens there still, on its way out, does so on its own copy. */
  unpin(address: ListenAddress): void {
    if ('inherited' in address) return;
    const place = placeOf(address);
    const owned = at(this.#pinned, place, address);
    if (owned === undefined || owned.holders.size > 0) return;
    this.#pinned.splice(this.#pinned.indexOf(owned), 1);
    this.#shut(owned);
  }

  async bind(worker: number, query: BindQuery): Promise<Bound> {
    this.#newest = Math.max(this.#newest, worker);
    const key = [query.address, query.port, query.addressType, query.fd, query.index].join(':');
    const place = pinnedPlace(query);
    const host = query.address ?? undefined;
    const find = (): OwnedSocket | undefined =>
      matching(this.#pinned, place, host) ?? matching(this.#lent, place, host) ?? this.#owned.get(key);
    let owned = find() ?? this.#create(key, query);
    // While the old path was looked at, another worker's question may have been answered.
    if (owned === EADDRINUSE && query.addressType === -1 && (await this.#clear(query.address ?? '')))
      owned = find() ?? this.#create(key, query);
    if (typeof owned === 'number') return { key, error: owned };
    owned.holders.add(worker);
    owned.orphanedAt = undefined;
    owned.ticketKeys ??= query.ticketKeys;
    return { key, handle: owned.handle, ticketKeys: owned.ticketKeys };
  }

  /** The program gave the address up. When all that listened there have, nobody is left for whom clients should wait. */
  closed(worker: number, key: string): void {
    const owned = this.#owned.get(key);
    if (!owned?.holders.delete(worker) || owned.holders.size > 0) return;
    this.#drop(key, owned);
  }

  /**
   * A dead worker gives nothing up: its clients wait for its successor. What a later worker lived and died without asking for,
   * such as a path with its predecessor's pid in it, is waited for in vain.
   */
  gone(worker: number): void {
    const all = [...this.#owned.values(), ...this.#pinned, ...this.#lent];
    const listened = all.some(({ holders }) => holders.has(worker));
    for (const [key, owned] of this.#owned) {
      if (listened && owned.orphanedAt !== undefined && worker > owned.orphanedAt) {
        this.#drop(key, owned);
      } else if (owned.holders.delete(worker) && owned.holders.size === 0) owned.orphanedAt = this.#newest;
    }
    for (const { holders } of [...this.#pinned, ...this.#lent]) holders.delete(worker);
  }

  /** Closes everything; the paths of unix sockets go with it, once they are this supervisor's. */
  close(): void {
    const all = [...this.#owned.values(), ...this.#pinned, ...this.#inherited, ...this.#lent];
    for (const owned of new Set(all)) this.#shut(owned);
    this.forsake();
  }

  /** Nobody listens there any more. What the predecessor may have to go on with waits until it has left. */
  #drop(key: string, owned: OwnedSocket): void {
    if (owned.adopted && !this.#leads) return;
    this.#owned.delete(key);
    this.#shut(owned);
  }

  #shut({ handle, adopted, heirloom: { path, lent } }: OwnedSocket): void {
    handle.close();
    // Node removes what this process itself has bound.
    if (!adopted || lent !== undefined || path === undefined || path.startsWith('\0')) return;
    if (this.#leads) removePath(path);
    else this.#spared.push(path);
  }

  #create(key: string, query: BindQuery): OwnedSocket | number {
    const place = pinnedPlace(query);
    const inherited = place === '' ? undefined : matching(this.#inherited, place, query.address ?? undefined);
    // It was the operator's, who has left it to the program.
    if (inherited && inherited.heirloom.key === undefined) {
      this.#owned.set(key, inherited);
      return inherited;
    }
    const handle = create(query);
    if (typeof handle === 'number') return handle;
    // A TCP socket that is only bound keeps EADDRINUSE to itself until it listens, unless it is asked for its name.
    const error = handle.getsockname?.({}) ?? 0;
    if (error !== 0 && isTcp(query)) {
      handle.close();
      return error;
    }
    const { address, addressType } = query;
    const owned = own(handle, {
      key,
      place,
      kind: addressType === 'udp4' || addressType === 'udp6' ? addressType : 'stream',
      ...(address !== null && (addressType === -1 ? { path: address } : { host: address })),
    });
    this.#owned.set(key, owned);
    return owned;
  }

  /** What a predecessor has bound there, from now on the operator's. */
  #claim(place: string, address: BindableAddress): OwnedSocket | undefined {
    const inherited = at(this.#inherited, place, address);
    if (inherited === undefined) return undefined;
    for (const [key, owned] of this.#owned) if (owned === inherited) this.#owned.delete(key);
    return inherited;
  }

  async #open(place: string, address: BindableAddress): Promise<OwnedSocket> {
    if ('path' in address) return own(await this.#pinPath(address.path), { place, kind: 'stream', path: address.path });
    const { host, port } = address;
    return own(await bindPort(host, port), { place, kind: 'stream', ...(host !== undefined && { host }) });
  }

  async #pinPath(address: string): Promise<Handle> {
    let handle = openPath(address);
    if (handle === EADDRINUSE && (await this.#clear(address))) handle = openPath(address);
    if (typeof handle === 'number') throw cannotBind(address, handle);
    return handle;
  }

  /** A path of ours at which no worker listens yet refuses like one that was left behind. */
  async #clear(address: string): Promise<boolean> {
    const ours = [...this.#owned.keys()].some((key) => key.startsWith(`${address}:-1:`));
    if (ours || at(this.#pinned, placeOf({ path: address }), { path: address }) || !(await removeStale(address)))
      return false;
    this.#tookOver(address);
    return true;
  }
}

/** Two may share a port, on different hosts. */
const at = (all: readonly OwnedSocket[], place: string, address: BindableAddress): OwnedSocket | undefined =>
  all.find(
    ({ heirloom }) => heirloom.place === place && (!('host' in address) || isSameHost(heirloom.host, address.host)),
  );
