// Aligned columns that fit the terminal: what matters least is left out first, and what is too long is cut.
import { stripVTControlCharacters, styleText } from 'node:util';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Where the table is too wide, the column with the highest number goes first; none means that it stays. */
  readonly spare?: number;
  /** This column is cut; to less than `least` only where nothing else can be left out. */
  readonly cut?: boolean;
  readonly least?: number;
}

/** `width` undefined: nobody counts columns, as in a pipe. Columns that are empty in every row are left out. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number | undefined): string[] {
  const filled = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map((column) => ({ ...column, wide: Math.max(...[column.title, ...column.cells].map(lengthOf)) }));
  const total = (wideOf: (column: (typeof filled)[number]) => number): number =>
    filled.reduce((sum, column) => sum + wideOf(column), 0) + 2 * (filled.length - 1);
  const room = width ?? Number.POSITIVE_INFINITY;
  while (total(needed) > room) {
    const [least] = filled
      .filter(({ spare }) => spare !== undefined)
      .toSorted((one, other) => (other.spare ?? 0) - (one.spare ?? 0));
    if (!least) break;
    filled.splice(filled.indexOf(least), 1);
  }
  const over = Math.max(0, total(({ wide }) => wide) - room);
  for (const column of filled) if (column.cut) column.wide = Math.max(column.title.length, column.wide - over);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => pad(cut(text, filled[i]?.wide ?? 0), filled[i]?.wide ?? 0, filled[i]?.align))
      .join('  ')
      .trimEnd();
  return [
    styleText('dim', line(filled.map(({ title }) => title)), { stream: process.stdout }),
    ...rows.map((_, i) => line(filled.map(({ cells }) => cells[i] ?? ''))),
  ];
}

/** Without which the table is not worth its room. */
const needed = ({ wide, cut: canBeCut, least = 16 }: { wide: number; cut?: boolean; least?: number }): number =>
  canBeCut ? Math.min(wide, least) : wide;

const lengthOf = (text: string): number => stripVTControlCharacters(text).length;

function pad(text: string, wide: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, wide - lengthOf(text)));
  return align === 'left' ? text + space : space + text;
}

/** Coloured text is short, and is left whole. */
export const cut = (text: string, wide: number): string =>
  lengthOf(text) > wide && lengthOf(text) === text.length ? `${text.slice(0, Math.max(0, wide - 1))}…` : text;
