/**
 * Gives files and directories the extended attributes that the archive has for them, by the program setfattr: Node has no call for it
 * (docs/decisions/0025).
 */
import { spawnSync } from 'node:child_process';
import { AttemptFailedError } from '../../sdk/errors.ts';
import type { ByteString } from '../entries/tar-header.ts';
import { codeOf } from '../error-code.ts';

/** By full names: "user.a", "security.capability". */
export type Attributes = ReadonlyMap<ByteString, Buffer>;

/** Bytes of text for one process. */
const TEXT_BYTES = 16 * 1024 * 1024;
const MAX_WORDS = 16 * 1024 * 1024;

/**
 * Follows no link at the names themselves; the directories on the way are the caller's business.
 * @param root of the names.
 * @returns attributes that could not be set: all of them where there is no such program.
 * @throws AttemptFailedError `VolumeWriteFailed` where the program did not end by itself.
 */
export function setExtendedAttributes(root: string, given: ReadonlyMap<ByteString, Attributes>): number {
  let lost = 0;
  let texts: string[] = [];
  let bytes = 0;
  const hand = () => {
    lost += runSetfattr(root, texts.join(''), texts.length);
    texts = [];
    bytes = 0;
  };
  for (const [name, attributes] of given) {
    for (const [attribute, value] of attributes) {
      // One file for each attribute: a line of the program's complaints is then one attribute that is lost.
      const text = `# file: ./${escaped(name)}\n${escaped(attribute)}${assigned(value)}\n\n`;
      if (bytes + text.length > TEXT_BYTES) hand();
      texts.push(text);
      bytes += text.length;
    }
  }
  if (texts.length > 0) hand();
  return lost;
}

function runSetfattr(root: string, text: string, count: number): number {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  const options = { cwd: root, env, input: text, maxBuffer: MAX_WORDS };
  const { error, status, stderr } = spawnSync('setfattr', ['--no-dereference', '--restore=-'], options);
  if (codeOf(error) === 'ENOENT') return count;
  if (error !== undefined || status === null || status > 1) {
    const words = error === undefined ? stderr.toString().trim() : String(error);
    throw new AttemptFailedError('VolumeWriteFailed', `Setting extended attributes failed (${words}).`, {
      cause: error,
    });
  }
  return status === 0 ? 0 : stderr.toString('latin1').trimEnd().split('\n').length;
}

/** An empty value is none at all to setfattr: what is said to be empty it passes over, and may not tell. */
function assigned(value: Buffer): string {
  return value.length === 0 ? '' : `=0s${value.toString('base64')}`;
}

/** As setfattr reads names: three octal digits behind a backslash. */
function escaped(name: ByteString): string {
  return name.replace(UNUSUAL, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

const UNUSUAL = /[^\w./-]/g;
