/** From a tree to its manifest, around a capture that goes on beside it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from './bytes.ts';
import type { ManifestEntry, ManifestHeader, ManifestRecord, Totals } from './manifest.ts';
import { type Attributes, readAttributes } from './attributes.ts';
import { hashEntries, markChanged, surveyTree } from './record.ts';
import { readRecords, readText, writeRecords } from './scratch.ts';

export interface DescribeOptions {
  readonly root: string;
  /** A directory of this process alone; it takes about 150 bytes for each name, twice. */
  readonly scratch: string;
  /** Somebody may write to the tree meanwhile. */
  readonly live: boolean;
  readonly signal: AbortSignal;
}

export interface Survey {
  readonly names: number;
  readonly files: number;
  readonly bytes: number;
}

export interface Manifest {
  readonly totals: Totals;
  /** Bytes of `text`. */
  readonly length: number;
  text(): AsyncIterable<Buffer>;
}

/** The three passes, in this order; what somebody writes between the first and the last is marked as changed. */
export interface TreeDescription {
  /** Of the first pass: before the capture reads anything. */
  readonly survey: Survey;
  /** Second pass, beside the capture: reads all files whose digest `earlier` does not tell. @throws VolprimeError `SourceUnreadable` */
  read(earlier: AsyncIterable<ManifestEntry>): Promise<void>;
  /** Last pass, after the capture. */
  complete(header: ManifestHeader): Promise<Manifest>;
}

/** @throws VolprimeError `SourceUnreadable` */
export async function describeTree({ root, scratch, live, signal }: DescribeOptions): Promise<TreeDescription> {
  const base = Buffer.from(root);
  const [surveyed, hashed, manifest] = ['survey', 'hashed', 'manifest'].map((name) => join(scratch, `${name}.zst`)) as [
    string,
    string,
    string,
  ];
  const survey = { names: 0, files: 0, bytes: 0 };
  await writeRecords(
    surveyed,
    surveyTree(base, signal, ({ type, size }) => {
      survey.names++;
      if (type === 'file') survey.files++;
      survey.bytes += size;
    }),
  );
  return {
    survey,
    async read(earlier) {
      await writeRecords(hashed, hashEntries(base, entriesOf(surveyed), { earlier, live, signal }));
      rmSync(surveyed);
    },
    async complete(header) {
      const totals = { files: 0, bytes: 0, changed: 0 };
      const named = withAttributes(entriesOf(hashed), readAttributes(root, pathsOf(entriesOf(hashed)), signal));
      const settled = live ? markChanged(base, named, signal) : named;
      let length = 0;
      const records = assemble(header, counting(settled, totals), totals);
      await writeRecords(manifest, records, (bytes) => (length += bytes));
      rmSync(hashed);
      return { totals, length, text: () => readText(manifest) };
    },
  };
}

async function* assemble(
  header: ManifestHeader,
  entries: AsyncIterable<ManifestEntry>,
  totals: Totals,
): AsyncGenerator<ManifestRecord, void> {
  yield { type: 'header', header };
  for await (const entry of entries) yield { type: 'entry', entry };
  yield { type: 'end', totals };
}

/** Both in the order of the walk. */
async function* withAttributes(
  entries: AsyncIterable<ManifestEntry>,
  attributes: AsyncGenerator<Attributes, void>,
): AsyncGenerator<ManifestEntry, void> {
  let next = await attributes.next();
  for await (const entry of entries) {
    if (next.done === true || next.value.path !== entry.path) yield entry;
    else {
      yield { ...entry, attributes: next.value.attributes };
      next = await attributes.next();
    }
  }
}

async function* counting(
  entries: AsyncIterable<ManifestEntry>,
  totals: { -readonly [name in keyof Totals]: number },
): AsyncGenerator<ManifestEntry, void> {
  for await (const entry of entries) {
    if (entry.type === 'file') totals.files++;
    if (entry.changed) totals.changed++;
    totals.bytes += entry.size;
    yield entry;
  }
}

async function* entriesOf(file: string): AsyncGenerator<ManifestEntry, void> {
  for await (const record of readRecords(file)) if (record.type === 'entry') yield record.entry;
}

async function* pathsOf(entries: AsyncIterable<ManifestEntry>): AsyncGenerator<ByteString, void> {
  for await (const { path } of entries) yield path;
}
