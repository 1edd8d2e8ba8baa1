// What a run has shown, for who reads it: the count first, then each bar, then each loss with how, when and amid what.
const LOSSES = 10;

const number = (value) => value.toLocaleString('en');
const counts = (record) =>
  Object.entries(record)
    .map(([name, count]) => `${name} ${number(count)}`)
    .join(', ');

/** Prints it. Returns `held`, `missed`, or `absent` where something is not there yet. */
export function tell(name, { title, workers }, run, { server, version, log, list }) {
  console.log(`${name}: ${title} (${server}, Node ${version}, ${workers} workers)`);
  if (run.verdicts === undefined) {
    if (run.absent.length > 0) console.log(`  not there yet: ${run.absent.join(', ')}`);
    return run.absent.length > 0 ? 'absent' : list ? 'held' : 'absent';
  }
  const { referee, verdicts, tookMs, taken, facts, fleet } = run;
  const excused = Object.values(referee.excuses).reduce((sum, count) => sum + count, 0);
  console.log(
    `  ${number(referee.lost)} lost of ${number(referee.counted)} in ${(tookMs / 1000).toFixed(1)} s, ${Math.round(taken * 100)} % of the machine taken by others${excused > 0 ? `; excused: ${counts(referee.excuses)}` : ''}`,
  );
  for (const [kind, { sent, answered, lost, excused: pardoned }] of Object.entries(referee.kinds))
    console.log(
      `    ${kind.padEnd(10)} ${number(sent).padStart(8)} sent ${number(answered).padStart(8)} answered ${number(lost).padStart(5)} lost${pardoned > 0 ? ` ${number(pardoned)} excused` : ''}`,
    );
  if (Object.keys(referee.ends).length > 0) console.log(`    ends: ${counts(referee.ends)}`);
  for (const [group, opened] of referee.clients)
    console.log(
      `    ${group}: ${number([...opened.values()].reduce((a, b) => a + b, 0))} connections of ${opened.size} clients`,
    );
  for (const { name: bar, held, absent, says } of verdicts)
    console.log(
      `  ${absent ? 'not there yet' : held ? 'held' : 'MISSED'}: ${bar}: ${says}${absent ? ` (${absent.join(', ')})` : ''}`,
    );
  for (const [reason, count] of Object.entries(referee.reasons)) console.log(`    ${number(count)} × ${reason}`);
  for (const loss of referee.losses.slice(0, LOSSES)) console.log(`      ${JSON.stringify(loss)}`);
  const missed = verdicts.some(({ held, absent }) => !held && !absent);
  if (missed && log) for (const { time, msg } of fleet.lines) console.log(`    | ${time ?? ''} ${msg}`);
  if (missed && fleet.stderr !== '') console.log(`    on stderr: ${fleet.stderr.trim().slice(-2000)}`);
  if (facts.left > 0) console.log(`  ${facts.left} processes had not ended 15 s after SIGTERM, and were killed`);
  if (missed) return 'missed';
  return verdicts.some(({ absent }) => absent) ? 'absent' : 'held';
}
