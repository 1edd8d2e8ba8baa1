// How much of the machine others took while we measured: figures taken beside a busy neighbour are worth little.
import { readFileSync } from 'node:fs';

/** Clock ticks of all cores: all of them, and those in which nothing ran. */
function ticks() {
  const [user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { all: user + nice + system + idle + iowait + irq + softirq + steal, idle: idle + iowait };
}

/** Clock ticks of this process and of all that it has started and seen end. */
function own() {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  return fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
}

/** Begins to watch; the function it returns tells the share of the machine that others have taken since. */
export function watchOthers() {
  const before = { ...ticks(), own: own() };
  return () => {
    const after = ticks();
    const all = after.all - before.all;
    return Math.max(0, (all - (after.idle - before.idle) - (own() - before.own)) / all);
  };
}
