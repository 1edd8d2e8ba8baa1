// A client of V8's inspector: calls, their answers, and events. Used in a process of its own, never in the supervisor.
import { WebSocket } from 'ws';

interface Asked {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Inspector {
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, Asked>();
  readonly #listeners = new Map<string, (params: unknown) => void>();
  #seq = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (text: Buffer) => this.#hear(JSON.parse(String(text)) as Heard));
    socket.on('close', () => {
      for (const { reject } of this.#asked.values()) reject(new Error('the worker closed its inspector'));
    });
    socket.on('error', () => {});
  }

  /** @throws where nobody answers there. */
  static open(url: string): Promise<Inspector> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      socket.once('open', () => resolve(new Inspector(socket))).once('error', reject);
    });
  }

  /** @throws what the inspector answers, where it refuses. */
  call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#seq;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      // Nothing is answered on a connection that is over.
      this.#socket.send(JSON.stringify({ id, method, params }), (error) => error && reject(error));
    });
  }

  /** One listener for each event. */
  on(event: string, listener: (params: unknown) => void): void {
    this.#listeners.set(event, listener);
  }

  close(): void {
    this.#socket.close();
  }

  #hear({ id, method, params, result, error }: Heard): void {
    if (method !== undefined) return this.#listeners.get(method)?.(params);
    const asked = this.#asked.get(id ?? 0);
    this.#asked.delete(id ?? 0);
    if (error) asked?.reject(new Error(error.message));
    else asked?.resolve(result);
  }
}

interface Heard {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}
