// Figures that two runs can be compared by: interleaved rounds, their ratios, and the same code against itself.

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Of windows that others have disturbed more or less: the most that the least disturbed fifth of them has seen. */
export function undisturbed(windows) {
  if (windows.length < 5) throw new Error(`${windows.length} windows are too few: measure for longer`);
  return windows.toSorted((a, b) => a - b)[Math.floor(windows.length / 5)];
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Measures every contender twice a round, there and back (A B C C B A), so that a drift of the machine meets all alike.
 * Returns for each the mean of every round.
 */
export async function interleave(contenders, rounds, measure) {
  const names = Object.keys(contenders);
  const seen = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const now = Object.fromEntries(names.map((name) => [name, []]));
    for (const name of [...names, ...names.toReversed()]) now[name].push(await measure(contenders[name], name));
    for (const name of names) seen[name].push(mean(now[name]));
  }
  return seen;
}

/** The median of the ratios of each round, and how far they were apart. */
export function ratio(of, to) {
  const ratios = of.map((value, round) => value / to[round]);
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios), rounds: ratios.length };
}

export const showRatio = ({ median: middle, least, most }) =>
  `${middle.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;

/** Lines of text as columns. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  '),
    )
    .join('\n');
}
