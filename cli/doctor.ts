// `cordon doctor`: what may go wrong on this machine, what it means, and what to do.
import { styleText } from 'node:util';
import { milliseconds } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { examine, type Finding } from './doctor/checks.js';
import { gather } from './doctor/facts.js';

export interface DoctorFlags {
  readonly json?: boolean;
  /** How long the proxy in front keeps idle connections. */
  readonly proxyKeepalive?: string;
  /** The server's own `keepAliveTimeout`. */
  readonly keepalive?: string;
}

const COLOURS = { ok: 'green', note: 'cyan', warning: 'yellow', problem: 'red' } as const;

/** Prints what it finds. Exit code 1 where a server would not run well here. */
export function doctor(flags: DoctorFlags): number {
  const proxyKeepAliveMs = timeOf('--proxy-keepalive', flags.proxyKeepalive);
  const keepAliveMs = timeOf('--keepalive', flags.keepalive);
  const findings = examine(
    gather({
      ...(proxyKeepAliveMs !== undefined && { proxyKeepAliveMs }),
      ...(keepAliveMs !== undefined && { keepAliveMs }),
    }),
  );
  process.stdout.write(
    flags.json === true ? `${JSON.stringify({ version: 1, findings })}\n` : findings.map(show).join(''),
  );
  return findings.some(({ level }) => level === 'problem') ? ExitCode.failed : ExitCode.ok;
}

function show({ about, level, says, advice }: Finding): string {
  const word = styleText(COLOURS[level], level.padEnd(8), { stream: process.stdout });
  return `${word} ${about}: ${says}\n${advice === undefined ? '' : `         ${advice}\n`}`;
}

function timeOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = milliseconds(text);
  if (ms === undefined)
    throw new OperatorError(
      `${flag}: expected a time with its unit, such as 75s, got ${JSON.stringify(text)}`,
      ExitCode.usage,
    );
  return ms;
}
