// How far a long order has come: one live line on a terminal, plain lines elsewhere.

export interface ProgressLine {
  show(text: string): void;
  /** Takes the live line away. */
  end(): void;
}

export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  let last = '';
  return {
    show(text) {
      if (stream.isTTY) stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      else if (stillSame(text, last)) return;
      else stream.write(`${text}\n`);
      last = text;
    },
    end() {
      if (stream.isTTY && last !== '') stream.write('\r\u001b[K');
    },
  };
}

/** In a log, the passing of time alone is no progress. */
const stillSame = (text: string, last: string): boolean => withoutTime(text) === withoutTime(last);
const withoutTime = (text: string): string => text.replace(/[\d.]+ m?s\b/g, '');
