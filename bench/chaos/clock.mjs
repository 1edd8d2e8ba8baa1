// One clock for every process of this machine. `performance.now()` counts on the same monotonic clock in all of them, each from its
// own start: what one has stamped, another can read.
const started = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Now, for other processes to read. */
export const stamp = () => (started + performance.now()).toFixed(3);

/** Another's stamp, by this process's `performance.now()`. */
export const readStamp = (text) => Number(text) - started;
