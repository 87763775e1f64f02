/** The shape of a result, and the small statistics on the way to it. Pure. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 's' | 'ms' | 'MB' | 'B' | 'requests';
  /** The same unit, measured in the same run; null where the value stands for itself. */
  readonly floor: number | null;
  /** value / floor. */
  readonly ratio: number | null;
  /** At most so much: of the ratio where there is one, else of the value. Null: stated only. */
  readonly target: number | null;
}

export interface FigureInput {
  readonly name: string;
  readonly value: number;
  readonly unit: Figure['unit'];
  readonly floor?: number;
  readonly target?: number;
}

export function figure({ name, value, unit, floor, target }: FigureInput): Figure {
  const ratio = floor === undefined ? null : rounded(value / floor);
  return {
    name,
    value: rounded(value),
    unit,
    floor: floor === undefined ? null : rounded(floor),
    ratio,
    target: target ?? null,
  };
}

export function verdict({ value, ratio, target }: Figure): 'reached' | 'missed' | '' {
  if (target === null) return '';
  return (ratio ?? value) <= target ? 'reached' : 'missed';
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('no values');
  const lower = sorted.length % 2 === 0 ? sorted[middle - 1] : upper;
  return (upper + (lower ?? upper)) / 2;
}

export interface Pair {
  readonly value: number;
  readonly floor: number;
}

/** Of pairs that met the same machine each: the one whose ratio is the median. */
export function middlePair(pairs: readonly Pair[]): Pair {
  const sorted = [...pairs].sort((a, b) => a.value / a.floor - b.value / b.floor);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError('no pairs');
  return middle;
}

/** Three significant digits: the machine gives no more. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

const columns = ['figure', 'value', 'floor', 'ratio', 'target', ''] as const;

/** For a person. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((row) => [
    row.name,
    `${row.value} ${row.unit}`,
    row.floor === null ? '' : `${row.floor} ${row.unit}`,
    row.ratio === null ? '' : `${row.ratio}×`,
    row.target === null ? '' : `≤ ${row.target}${row.ratio === null ? ` ${row.unit}` : '×'}`,
    verdict(row),
  ]);
  const lines = [[...columns], ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
