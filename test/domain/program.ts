// Runs one case of a program under test/fixtures/domain. Errors that nobody catches need a process of their own: ava has
// listeners for them in its own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  readonly lines: string[];
  readonly code: number;
  readonly stderr: string;
}

export function program(name: string, which: string, flags: readonly string[] = []): Promise<Outcome> {
  const file = fileURLToPath(new URL(`../../../test/fixtures/domain/${name}.mjs`, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [...flags, file, which], { timeout: 30_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ lines: stdout.split('\n').filter((line) => line !== ''), code, stderr });
    });
  });
}
