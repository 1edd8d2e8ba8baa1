// A file that holds this supervisor's process id, for whoever supervises it. Written whole, by rename; removed by the one that it
// still names.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { ExitCode, OperatorError } from '../config/exit-code.js';

/** @throws {OperatorError} where it cannot be written. */
export function writePidFile(file: string): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${process.pid}\n`, { mode: 0o644 });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new OperatorError(
      `pidFile: ${file} cannot be written (${(error as NodeJS.ErrnoException).code}). Name a file in a folder that exists and that you may write to.`,
      ExitCode.cannotCreate,
    );
  }
}

/** Leaves a successor's alone. */
export function removePidFile(file: string): void {
  try {
    if (readFileSync(file, 'utf8').trim() === String(process.pid)) rmSync(file, { force: true });
  } catch {
    // It is gone already, or is nobody's to remove.
  }
}
