// Lines that belong together: an error's name and message, and the stack beneath. Everything else is a line by itself.

const MAX_LINES = 200;
const MAX_SIZE = 64 * 1024;
/** A message of more lines than that is none. */
const MAX_MESSAGE = 20;

const FRAME = /^\s+at \S/;
const HEAD = /^(?:Uncaught )?[\w$.]*(?:Error|Exception)\b/;
/** What `util.inspect` and Node put beneath the frames: further properties, a cause, `}`. */
const BENEATH = /^(?:\s+\S|[}\]])/;

export class Stack {
  readonly #tell: (entry: string) => void;
  #lines: string[] = [];
  #size = 0;
  #headed = false;
  #framed = false;

  /** `tell` hears each entry: a line, or an error with its stack. */
  constructor(tell: (entry: string) => void) {
    this.#tell = tell;
  }

  add(line: string): void {
    if (this.#lines.length > 0 && !this.#continues(line)) this.settle();
    if (this.#lines.length === 0) this.#headed = mayBeHead(line) && HEAD.test(line);
    this.#lines.push(line);
    this.#size += line.length;
  }

  /** Nothing more is to be expected for now. */
  settle(): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#size = 0;
    if (this.#framed) this.#tell(lines.join('\n'));
    else for (const line of lines) this.#tell(line);
    this.#framed = false;
  }

  #continues(line: string): boolean {
    if (this.#lines.length >= MAX_LINES || this.#size + line.length > MAX_SIZE) return false;
    if (isIndented(line) && FRAME.test(line)) {
      this.#framed = this.#framed || this.#headed || this.#lines.length === 1;
      return this.#framed;
    }
    if (this.#framed) return BENEATH.test(line);
    return this.#headed && this.#lines.length < MAX_MESSAGE && !(mayBeHead(line) && HEAD.test(line));
  }
}

/** Most lines are neither, and cost no more than this. */
const isIndented = (line: string): boolean => line.charCodeAt(0) === 0x20 || line.charCodeAt(0) === 0x09;
const mayBeHead = (line: string): boolean => line.includes('Error') || line.includes('Exception');
