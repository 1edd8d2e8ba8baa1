// Figures as a row of bars, for those who want to see whether it grows.
const BLOCKS = '▁▂▃▄▅▆▇█';
const ASCII = '_.-=+*%#';

const isUnicode = (): boolean =>
  /utf-?8/i.test(process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '');

/** The highest step stands for the highest figure, and for no less than `least`: an idle fleet is a flat line. */
export function bars(figures: readonly number[], least: number, unicode = isUnicode()): string {
  const steps = unicode ? BLOCKS : ASCII;
  const most = Math.max(...figures, least);
  return figures.map((figure) => steps[Math.round((figure / most) * (steps.length - 1))]).join('');
}
