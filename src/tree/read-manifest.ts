/** A whole manifest, or an error: header first, end last, and as many files as the end says. */
import { AttemptFailedError } from '../sdk/errors.ts';
import { splitLines } from './lines.ts';
import { decodeRecord, type ManifestHeader, type ManifestRecord } from './manifest.ts';

/** @throws AttemptFailedError `ManifestDamaged`; what the text's source throws. */
export async function* readManifest(text: AsyncIterable<Buffer>): AsyncGenerator<ManifestRecord, void> {
  let files = 0;
  let kind: ManifestHeader['kind'] | undefined;
  let expected: 'header' | 'more' | 'nothing' = 'header';
  for await (const record of records(text)) {
    if ((record.type === 'header') !== (expected === 'header') || expected === 'nothing') {
      throw damaged('its parts are out of order');
    }
    if (record.type === 'header') kind = record.header.kind;
    if (record.type === (kind === 'device' ? 'entry' : 'extent')) throw damaged('it is of a tree and of a device');
    if (record.type === 'entry' && record.entry.type === 'file') files++;
    if (record.type === 'end' && kind === 'directory' && record.totals.files !== files) {
      throw damaged('names are missing');
    }
    expected = record.type === 'end' ? 'nothing' : 'more';
    yield record;
  }
  if (expected !== 'nothing') throw damaged('its end is missing');
}

async function* records(text: AsyncIterable<Buffer>): AsyncGenerator<ManifestRecord, void> {
  let lines = 0;
  for await (const line of splitLines(text, 'any')) {
    lines++;
    let record: ManifestRecord;
    try {
      record = decodeRecord(line);
    } catch (cause) {
      throw damaged(`line ${lines} is not understood`, cause);
    }
    yield record;
  }
}

function damaged(what: string, cause?: unknown): AttemptFailedError {
  return new AttemptFailedError('ManifestDamaged', `The manifest of the snapshot is damaged: ${what}.`, { cause });
}
