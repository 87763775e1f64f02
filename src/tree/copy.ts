/** Copies a tree by rsync: holes, hard links, ACLs, attributes, devices, owners by their numbers. */
import { AttemptFailedError, PermanentError } from '../sdk/errors.ts';
import { OF_THE_FILE_SYSTEM } from './entry.ts';
import { startProgram } from './program.ts';
import { volumeFull } from './tree-errors.ts';

export interface CopyOptions {
  readonly from: string;
  readonly to: string;
  /** Without what its file system put there: is `from` a volume's root? */
  readonly wholeVolume: boolean;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

const NOTHING_SAID = 'rsync says nothing';
/** ACLs are copied as such; labels belong to the mount, the rest to the system that runs. Beside a filter rsync makes no choice of its own. */
const NOT_OF_THE_DATA = ['system.*', 'security.selinux', 'security.ima', 'security.evm', 'trusted.*'];
/** What others than root may not give rsync would keep as `user.rsync.` and its name. */
const OF_ROOT = ['security.*'];

/**
 * The content of one directory into another, which takes its owner, mode and times over.
 * @throws PermanentError `VolumeFull`, AttemptFailedError `CopyFailed`
 */
export async function copyTree({ from, to, wholeVolume, onBytes, signal }: CopyOptions): Promise<void> {
  const left = process.geteuid?.() === 0 ? NOT_OF_THE_DATA : [...NOT_OF_THE_DATA, ...OF_ROOT];
  const args = [
    // The second X: also what rsync takes for notes of its own (user.rsync.%stat), which a plain copy leaves out.
    '-aHAXXS',
    '--numeric-ids',
    '--whole-file',
    // Else what is made in the very second of its source's time keeps the fraction of its own making, unless it is a file.
    '--modify-window=-1',
    '--info=progress2',
    '--no-human-readable',
    '--outbuf=L',
    ...left.map((name) => `--filter=-x ${name}`),
    ...(wholeVolume ? [...OF_THE_FILE_SYSTEM].map((name) => `--exclude=/${name}`) : []),
    '--',
    `${from}/`,
    `${to}/`,
  ];
  let words = NOTHING_SAID;
  await using program = startProgram({
    file: 'rsync',
    args,
    onComplaint: (line) => {
      // The first says what was wrong; the last only that something was.
      if (words === NOTHING_SAID) words = line;
    },
    signal,
  });
  for await (const text of program.output) {
    const bytes = /(\d+)\s+\d+%[^%]*$/.exec(text.toString('latin1'))?.[1];
    if (bytes !== undefined) onBytes(Number(bytes));
  }
  const code = await program.ended;
  if (code === 0) return;
  if (/No space left|quota exceeded/i.test(words)) throw volumeFull();
  if (/Operation not permitted|Permission denied/.test(words)) {
    throw new PermanentError('CopyFailed', `Copying failed: ${words} (owners, devices and files of others need root).`);
  }
  throw new AttemptFailedError('CopyFailed', `Copying failed: ${words} (rsync ended with ${code}).`);
}
