/** How far a population is, as one line of a terminal. Pure. */
import type { Progress } from '../extract/progress.ts';

export interface Pace {
  /** Of the download, lately; undefined before anything can be said. */
  readonly bytesPerSecond: number | undefined;
  /** Width of the terminal in characters. */
  readonly columns: number;
}

const MIN_BAR = 10;
const MAX_BAR = 40;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Percent and bar, bytes, files, rate and the time left, as far as they are known. Never as wide as the terminal: it would wrap. */
export function progressLine(progress: Progress, { bytesPerSecond, columns }: Pace): string {
  const { bytesDone = 0, bytesTotal, percent, files } = progress;
  const left = timeLeft(progress, bytesPerSecond);
  const figures = [
    bytesTotal === undefined ? size(bytesDone) : `${size(bytesDone)} of ${size(bytesTotal)}`,
    ...(files === undefined ? [] : [files === 1 ? '1 file' : `${files} files`]),
    ...(bytesPerSecond === undefined ? [] : [`${size(bytesPerSecond)}/s`]),
    ...(left === undefined ? [] : [`${duration(left)} left`]),
  ].join('  ');
  const width = columns - 1;
  if (percent === undefined) return figures.slice(0, width);
  const share = `${percent}%`.padStart(4);
  const room = Math.min(width - share.length - figures.length - 4, MAX_BAR);
  const line = room < MIN_BAR ? `${share}  ${figures}` : `${share} ${bar(percent, room)} ${figures}`;
  return line.slice(0, width);
}

/** @param bytes not negative. */
export function size(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toFixed(value < 100 ? 1 : 0)} ${UNITS[power]}`;
}

export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

function bar(percent: number, width: number): string {
  return `[${'#'.repeat(Math.round((percent / 100) * width)).padEnd(width, '.')}]`;
}

function timeLeft({ bytesDone = 0, bytesTotal }: Progress, bytesPerSecond: number | undefined): number | undefined {
  if (bytesTotal === undefined || bytesPerSecond === undefined || bytesPerSecond === 0) return undefined;
  return Math.max(bytesTotal - bytesDone, 0) / bytesPerSecond;
}

/** Bytes per second over the last few reports: a single one says too little, the mean since the beginning hides a stall. */
export function createRate(): (bytes: number, nowMs: number) => number | undefined {
  const REPORTS = 6;
  const seen: { readonly bytes: number; readonly at: number }[] = [];
  return (bytes, at) => {
    seen.push({ bytes, at });
    if (seen.length > REPORTS) seen.shift();
    const [first] = seen;
    if (first === undefined || at <= first.at) return undefined;
    return ((bytes - first.bytes) * 1000) / (at - first.at);
  };
}
