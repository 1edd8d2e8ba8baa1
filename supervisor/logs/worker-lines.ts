// What workers print, as lines of the log. A program whose own logger writes JSON keeps its fields, and the worker's are added; any
// other text is the `msg` of a line of ours. This is where 100,000 lines a second pass through: a line is put together, not serialised.
import type { Level } from './fields.js';
import { levelOf } from './fields.js';
import { Stack } from './stack.js';

/** Where a line comes from; `access` is the access log. */
export type Voice = 'stdout' | 'stderr' | 'access';

export interface Speaker {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  readonly pid: number | undefined;
}

interface Told {
  readonly stack: Stack;
  /** Around the text, but for the time. */
  readonly beneath: string;
  /** Added to an object of the program's own. */
  readonly seat: string;
  readonly voice: Voice;
}

/** The program's own fields of these names give way; they stand under `program`. */
const OURS = ['worker', 'slot', 'generation'] as const;

export class WorkerLines {
  readonly #app: string;
  readonly #emit: (json: string, level: Level) => void;
  readonly #told = new Map<number, Map<Voice, Told>>();
  #now = 0;
  #time = '';

  /** `emit` hears each line as JSON, without its newline. */
  constructor(app: string, emit: (json: string, level: Level) => void) {
    this.#app = JSON.stringify(app);
    this.#emit = emit;
  }

  /** One line of text. It may wait for what belongs to it, until `settle`. */
  print(seat: Speaker, voice: Voice, line: string): void {
    this.#of(seat, voice).stack.add(line);
  }

  /** All that was there to be read has been. */
  settle(seat: Pick<Speaker, 'id'>): void {
    for (const { stack } of this.#told.get(seat.id)?.values() ?? []) stack.settle();
  }

  gone(seat: Pick<Speaker, 'id'>): void {
    this.settle(seat);
    this.#told.delete(seat.id);
  }

  #of(seat: Speaker, voice: Voice): Told {
    const voices = this.#told.get(seat.id) ?? new Map<Voice, Told>();
    this.#told.set(seat.id, voices);
    const known = voices.get(voice);
    if (known) return known;
    const { id, slot, pid, generation } = seat;
    const fields = `"worker":${id},"slot":${slot},${pid === undefined ? '' : `"pid":${pid},`}"generation":${generation}`;
    const told: Told = {
      stack: new Stack((entry) => this.#tell(told, entry)),
      beneath: `","app":${this.#app},${fields},"stream":"${voice}","msg":`,
      seat: `"worker":${id},"slot":${slot},"generation":${generation}`,
      voice,
    };
    voices.set(voice, told);
    return told;
  }

  #tell(told: Told, text: string): void {
    const own = text.startsWith('{') && text.endsWith('}') ? objectIn(text) : undefined;
    if (own !== undefined)
      return this.#emit(this.#joined(told, text, own), levelOf(own['level'] ?? spoken(told.voice)));
    const level = spoken(told.voice);
    this.#emit(`{"level":"${level}","time":"${this.#moment()}${told.beneath}${JSON.stringify(text)}}`, level);
  }

  /** Its own text with our fields behind it: what it says twice, or in numbers that JavaScript cannot hold, is left as it is. */
  #joined({ seat, voice }: Told, text: string, own: Readonly<Record<string, unknown>>): string {
    const taken = OURS.filter((name) => Object.hasOwn(own, name));
    const absent = [
      ...(own['level'] === undefined ? [`"level":"${spoken(voice)}"`] : []),
      ...(own['time'] === undefined ? [`"time":"${this.#moment()}"`] : []),
      ...(own['app'] === undefined ? [`"app":${this.#app}`] : []),
      ...(own['stream'] === undefined ? [`"stream":"${voice}"`] : []),
    ].join(',');
    const added = absent === '' ? seat : `${absent},${seat}`;
    if (taken.length === 0) return `${text.slice(0, -1)}${isEmpty(own) ? '' : ','}${added}}`;
    const program = Object.fromEntries(taken.map((name) => [name, own[name]]));
    const rest = Object.fromEntries(Object.entries(own).filter(([name]) => !taken.some((one) => one === name)));
    return `${JSON.stringify({ ...rest, program }).slice(0, -1)},${added}}`;
  }

  #moment(): string {
    const now = Date.now();
    if (now !== this.#now) this.#time = new Date(now).toISOString();
    this.#now = now;
    return this.#time;
  }
}

const spoken = (voice: Voice): Level => (voice === 'stderr' ? 'warn' : 'info');

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function isEmpty(object: object): boolean {
  for (const name in object) if (Object.hasOwn(object, name)) return false;
  return true;
}
