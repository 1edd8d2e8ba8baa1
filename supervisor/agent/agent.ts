// The agent that HAProxy asks (`agent-check`): a connection comes, one line goes, the connection is closed. It reads nothing.
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressWords } from '../../config/address.js';
import type { BindableAddress } from '../../config/config.js';
import { cannotBind } from '../bind.js';

/** One HAProxy asks on one connection at a time. */
const MOST_CONNECTIONS = 64;
/** A client that does not take its line is no concern of ours. */
const PATIENCE_MS = 2000;
/** A predecessor lets go of the address as soon as it has been told to. */
const RETRY_MS = 50;

export { answer } from './answer.js';

export class Agent {
  readonly #server: net.Server;
  readonly #open = new Set<net.Socket>();
  #closed = false;

  /** `ask`: the line of this moment. */
  constructor(ask: () => string) {
    this.#server = net.createServer((socket) => {
      this.#open.add(socket);
      socket.on('error', () => {}).once('close', () => this.#open.delete(socket));
      socket.setTimeout(PATIENCE_MS, () => socket.destroy());
      socket.end(ask());
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /**
   * `untilMs`: how long the address may still be a predecessor's.
   * @throws {OperatorError} where it cannot be had.
   */
  async open(address: BindableAddress, untilMs: number): Promise<void> {
    const end = performance.now() + untilMs;
    while (!this.#closed) {
      try {
        this.#server.listen('path' in address ? { path: address.path } : { port: address.port, ...hostOf(address) });
        await once(this.#server, 'listening');
        break;
      } catch (error) {
        const { code, errno = 0 } = error as NodeJS.ErrnoException;
        if (code !== 'EADDRINUSE' || performance.now() >= end) throw cannotBind(addressWords(address), errno);
        await sleep(RETRY_MS);
      }
    }
    this.#server.on('error', () => {});
    // It keeps no fleet alive that has stopped.
    this.#server.unref();
    if (this.#closed) this.#server.close();
  }

  /** The address is free for somebody else. */
  close(): void {
    this.#closed = true;
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}

/** One for each address. */
export class Agents {
  readonly #agents: Agent[] = [];
  readonly #ask: () => string;

  constructor(ask: () => string) {
    this.#ask = ask;
  }

  /** As `Agent.open`, one address after the other. */
  async open(addresses: readonly BindableAddress[], untilMs: number): Promise<void> {
    for (const address of addresses) {
      const agent = new Agent(this.#ask);
      this.#agents.push(agent);
      await agent.open(address, untilMs);
    }
  }

  close(): void {
    for (const agent of this.#agents) agent.close();
  }
}

const hostOf = ({ host }: { readonly host: string | undefined }) => (host === undefined ? {} : { host });
