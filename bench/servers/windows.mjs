// What each request costs in CPU time, in windows of a tenth of a second. On a machine that is shared with others, time is
// stolen, and caches are emptied, for a while and then not: a mean says how busy the neighbours were, a low quantile what it costs.
const WINDOW_MS = 100;
/** Fewer in a window are no load. */
const LEAST = 100;

const seen = [];
let served = 0;
let before = process.cpuUsage();

/** Once for each request. */
export const count = () => served++;

/** Microseconds for a request in each window since the last time that was asked. */
export const takeWindows = () => seen.splice(0);

setInterval(() => {
  const { user, system } = process.cpuUsage(before);
  before = process.cpuUsage();
  if (served >= LEAST) seen.push((user + system) / served);
  served = 0;
}, WINDOW_MS).unref();
