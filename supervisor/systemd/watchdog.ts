// Tells systemd that the supervisor is well, twice in the time after which systemd would end it. The timer alone shows that the loop
// turns; `isWell` is asked for the rest. Whoever is not well keeps silent, and is replaced.
export class Watchdog {
  readonly #timer: NodeJS.Timeout;

  constructor(withinMs: number, isWell: () => boolean, ping: () => void) {
    this.#timer = setInterval(() => isWell() && ping(), withinMs / 2);
    this.#timer.unref();
    ping();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
