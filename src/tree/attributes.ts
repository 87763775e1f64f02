/** Extended attributes, ACLs among them: read by getfattr, which xargs starts for some thousand names at a time (docs/decisions/0020). */
import { AttemptFailedError } from '../sdk/errors.ts';
import { bytesOf, type ByteString } from './bytes.ts';
import { splitByteLines } from './lines.ts';
import type { AttributeValues } from './manifest.ts';
import { runProgram, startProgram } from './program.ts';

const DUMP = ['--no-dereference', '--dump', '--match=-', '--encoding=base64', '--absolute-names', '--'];

/** What belongs to the data. Labels of SELinux and the like belong to the mount, `trusted.` to the system that runs. */
const OF_THE_DATA = /^(user\.|security\.capability$|system\.posix_acl_(access|default)$)/;

/** No fault: the name is gone, or the file system has no attributes. */
const HARMLESS = /: (No such file or directory|Operation not supported|Not a directory)$/;

/** Of xargs: some of the programs that it started failed, and they said why. */
const SOME_FAILED = 123;

export interface Attributes {
  readonly path: ByteString;
  readonly attributes: AttributeValues;
}

/**
 * Those that have any, in the order of `paths`.
 * @throws AttemptFailedError `AttributesUnreadable`
 */
export async function* readAttributes(
  root: string,
  paths: AsyncIterable<ByteString> | Iterable<ByteString>,
  signal: AbortSignal,
): AsyncGenerator<Attributes, void> {
  let complaint: string | undefined;
  await using program = startProgram({
    file: 'xargs',
    args: ['--null', '--no-run-if-empty', 'getfattr', ...DUMP],
    cwd: root,
    input: argumentsOf(paths),
    onComplaint: (line) => {
      if (!HARMLESS.test(line)) complaint ??= line;
    },
    signal,
  });
  yield* parseDump(splitByteLines(program.output));
  const code = await program.ended;
  if (complaint === undefined && (code === 0 || code === SOME_FAILED)) return;
  throw new AttemptFailedError('AttributesUnreadable', `Reading extended attributes failed: ${complaint ?? code}.`);
}

/** Gives one name the attributes that it had elsewhere. @throws AttemptFailedError `VolumeWriteFailed` */
export async function writeAttributes(
  root: string,
  { path, attributes }: Attributes,
  signal: AbortSignal,
): Promise<void> {
  // An empty value is none at all to setfattr, as it is to getfattr.
  const lines = Object.entries(attributes).map(([name, value]) => `${quoted(name)}${value && `=0s${value}`}\n`);
  const text = `# file: ${quoted(relative(path))}\n${lines.join('')}\n`;
  const { code, complaint } = await runProgram({
    file: 'setfattr',
    args: ['--no-dereference', '--restore=-'],
    cwd: root,
    input: (async function* () {
      yield bytesOf(text);
    })(),
    signal,
  });
  if (code !== 0) throw new AttemptFailedError('VolumeWriteFailed', `Extended attributes were refused: ${complaint}.`);
}

/** Never to be taken for an option. */
function relative(path: ByteString): ByteString {
  return path === '' ? '.' : `./${path}`;
}

const AT_ONCE = 64 * 1024;

async function* argumentsOf(paths: AsyncIterable<ByteString> | Iterable<ByteString>): AsyncGenerator<Buffer, void> {
  let text = '';
  for await (const path of paths) {
    text += `${relative(path)}\0`;
    if (text.length < AT_ONCE) continue;
    yield bytesOf(text);
    text = '';
  }
  if (text !== '') yield bytesOf(text);
}

/** getfattr's blocks: `# file: NAME`, lines of `NAME=0sVALUE`, an empty line. */
async function* parseDump(lines: AsyncIterable<ByteString>): AsyncGenerator<Attributes, void> {
  let path: ByteString | undefined;
  let attributes: Record<string, string> = {};
  for await (const line of lines) {
    const file = /^# file: (.*)$/s.exec(line)?.[1];
    if (file !== undefined) {
      path = unquoted(file).replace(/^\.\/?/, '');
      attributes = {};
    } else if (line === '') {
      if (path !== undefined && Object.keys(attributes).length > 0) yield { path, attributes };
      path = undefined;
    } else {
      const [, name = '', value = ''] = /^(.*?)(?:=0s(.*))?$/s.exec(line) ?? [];
      if (OF_THE_DATA.test(unquoted(name))) attributes[unquoted(name)] = value;
    }
  }
}

function quoted(name: ByteString): ByteString {
  return name.replace(/[\\=\n\r]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unquoted(name: ByteString): ByteString {
  return name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
