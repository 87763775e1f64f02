/**
 * Decompresses xz and bzip2 with the programs of those names, which Node has no codec for (docs/decisions/0016). The program reads what
 * it is fed and writes what is asked for; in between it holds some hundred KiB, and what its own format needs.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { AttemptFailedError, PermanentError } from '../../sdk/errors.ts';
import { corrupt } from '../entries/tar-header.ts';
import { codeOf } from '../error-code.ts';
import { chunkedContent, type Content, type Pieces } from './pieces.ts';

export type Program = 'xz' | 'bzip2';

/** A dictionary of 64 MiB, as "xz -9" makes it, fits; a hostile one of 1.5 GiB does not. */
const XZ_MEMORY = '128MiB';
/** Blocks are unpacked side by side where they and their results fit into this. */
const XZ_PARALLEL_MEMORY = '64MiB';

const OPTIONS: Readonly<Record<Program, readonly string[]>> = {
  xz: [
    '--decompress',
    '--stdout',
    '--threads=0',
    `--memlimit-decompress=${XZ_MEMORY}`,
    `--memlimit-mt-decompress=${XZ_PARALLEL_MEMORY}`,
  ],
  bzip2: ['--decompress', '--stdout'],
};

const MAX_WORDS = 2000;

/**
 * @returns content whose `read` throws PermanentError `ArchiveCorrupt`, `LimitExceeded` where the program would need too much memory;
 * AttemptFailedError `SourceTruncated`, `DecompressorFailed` where the program is missing or did not end by itself.
 */
export function programContent(program: Program, pieces: Pieces): Content {
  const child = spawn(program, OPTIONS[program], { env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
  const ended = endOf(child);
  return chunkedContent(decompressed(), () => void child.kill('SIGKILL'));

  async function* decompressed(): AsyncGenerator<Buffer> {
    const fed = feed(child, pieces).catch((error: unknown) => {
      child.kill('SIGKILL');
      return { error };
    });
    try {
      for await (const chunk of child.stdout) yield chunk;
    } catch (error) {
      // One that could not be started has no output; what it says of itself is told below.
      if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
    const end = await ended;
    // The source's own failure is the cause of what the program then says.
    const failure = await fed;
    if (failure !== undefined) throw failure.error;
    const error = programError(program, end);
    if (error !== undefined) throw error;
  }
}

interface ProgramEnd {
  /** Undefined where it did not start. */
  readonly code: number | null | undefined;
  readonly words: string;
}

async function endOf(child: ChildProcessWithoutNullStreams): Promise<ProgramEnd> {
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(0, MAX_WORDS);
  });
  try {
    const [code] = await once(child, 'close');
    return { code, words: words.trim().split('\n')[0] ?? '' };
  } catch (error) {
    return { code: undefined, words: codeOf(error) ?? String(error) };
  }
}

/** Offers all pieces to the program, one at a time, until it does not want any more. */
async function feed(child: ChildProcessWithoutNullStreams, pieces: Pieces): Promise<undefined> {
  // A program that has ended early says why; that its input is closed says nothing.
  child.stdin.on('error', () => undefined);
  for (let piece = await pieces.nextAsync(); piece !== undefined; piece = await pieces.nextAsync()) {
    const bytes = piece;
    const taken = await new Promise<boolean>((resolve) => {
      child.stdin.write(bytes, (error) => resolve(error === null || error === undefined));
    });
    if (!taken) return;
  }
  child.stdin.end();
}

const SAID: readonly (readonly [words: RegExp, meaning: 'cut' | 'memory' | 'trailing'])[] = [
  [/unexpected end of input|ends unexpectedly/i, 'cut'],
  [/memory usage limit/i, 'memory'],
  [/trailing garbage/i, 'trailing'],
];

function programError(program: Program, { code, words }: ProgramEnd): Error | undefined {
  const meaning = SAID.find(([said]) => said.test(words))?.[1];
  if (code === 0 && meaning === undefined) return undefined;
  if (code === undefined || code === null) {
    const what = code === undefined ? `could not be started (${words}); is it installed?` : 'was killed';
    return new AttemptFailedError('DecompressorFailed', `The program ${program}, which the archive needs, ${what}`);
  }
  switch (meaning) {
    case 'cut':
      return new AttemptFailedError('SourceTruncated', `The ${program} stream ends before its end marker.`);
    case 'memory':
      return new PermanentError('LimitExceeded', `The archive's xz stream needs more than ${XZ_MEMORY} of memory.`);
    case 'trailing':
      return corrupt(`data follows its ${program} stream`);
    default:
      return corrupt(`its ${program} stream is not valid (${words})`);
  }
}
