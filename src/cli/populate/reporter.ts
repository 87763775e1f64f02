/** What a person or a program is told while the work goes on, and at its end. */
import type { Progress } from '../../extract/progress.ts';
import { createLog } from '../../pod/index.ts';
import type { PluginLogger, PopulateReport } from '../../sdk/index.ts';
import { visible, visibleJson } from '../../visible.ts';
import { createRate, duration, progressLine, size } from '../progress-line.ts';

export interface Reporter {
  readonly logger: PluginLogger;
  progress(progress: Progress): void;
  /** @param state what the target is like now, where it did not succeed. */
  end(report: PopulateReport, state: string | undefined): void;
}

/** The parts of a stream that are needed. */
export interface Output {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

/** One JSON line a second on standard output, the last one the report, both as of a populator pod; everything else goes to standard error. */
export function jsonReporter(out: Output, err: Output): Reporter {
  const logger = createLog((line) => void err.write(`${line}\n`));
  return {
    logger,
    progress: (progress) => void out.write(`${visibleJson(JSON.stringify({ progress }))}\n`),
    end: (report, state) => {
      if (report.outcome === 'failed') logger.error(report.message, { reason: report.reason });
      if (state !== undefined) logger.info(state);
      out.write(`${visibleJson(JSON.stringify(report))}\n`);
    },
  };
}

const CLEAR_LINE = '\r\u001B[K';
const DEFAULT_COLUMNS = 80;

/** One line that is written over and over, and one that stays. */
export function terminalReporter(terminal: Output, now: () => number = performance.now.bind(performance)): Reporter {
  const rate = createRate();
  const startedAt = now();
  const say = (line: string) => void terminal.write(`${CLEAR_LINE}${visible(line)}\n`);
  const warn = (message: string) => say(`warning: ${message}`);
  terminal.write('connecting ...');
  return {
    // What went on is seen in the line; the error is told at the end.
    logger: { debug: () => undefined, info: () => undefined, warn, error: () => undefined },
    progress: (progress) => {
      const bytesPerSecond = rate(progress.bytesDone ?? 0, now());
      const line = progressLine(progress, { bytesPerSecond, columns: terminal.columns ?? DEFAULT_COLUMNS });
      terminal.write(`${CLEAR_LINE}${line}`);
    },
    end: (report, state) => {
      if (report.outcome === 'failed') say(`failed: ${report.message} (${report.reason})`);
      else for (const result of report.targets) say(doneLine(result, (now() - startedAt) / 1000));
      if (state !== undefined) say(state);
    },
  };
}

type Result = Extract<PopulateReport, { outcome: 'succeeded' }>['targets'][number];

function doneLine({ bytes = 0, files = 0, digest = '', verification }: Result, seconds: number): string {
  const held = verification === 'checksum' ? 'as the checksum says' : 'no checksum was given to hold it against';
  return `done: ${files} ${files === 1 ? 'file' : 'files'} from ${size(bytes)} in ${duration(seconds)}; ${digest}, ${held}`;
}
