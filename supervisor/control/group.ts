// The id of a group. Node knows no names of groups.
import { readFileSync } from 'node:fs';
import { ExitCode, OperatorError } from '../../config/exit-code.js';

/** @throws {OperatorError} where there is no such group. */
export function groupId(name: string, read: () => string = () => readFileSync('/etc/group', 'utf8')): number {
  if (/^\d+$/.test(name)) return Number(name);
  const line = read()
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  const id = Number(line?.split(':')[2] ?? Number.NaN);
  if (Number.isSafeInteger(id)) return id;
  throw new OperatorError(
    `control.readers: there is no group ${name} in /etc/group. Name one that there is, or give its number.`,
    ExitCode.badConfig,
  );
}
