/** What a `cordon` command ends with. After sysexits(3), and LSB for `status`; 128 + n is added by whoever ends by signal n. */
export const ExitCode = {
  ok: 0,
  /** Understood, tried, and failed. */
  failed: 1,
  usage: 64,
  /** No such supervisor. */
  unavailable: 69,
  /** A bug of ours. */
  internal: 70,
  cannotCreate: 73,
  io: 74,
  alreadyRunning: 75,
  permission: 77,
  badConfig: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Something the operator can mend. Its message is the whole sentence they get: what, where, expected, got, what to do. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}
