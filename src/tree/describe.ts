/** From a tree to its manifest, around a capture that goes on beside it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EarlierManifest } from './earlier.ts';
import type { ManifestHeader } from './manifest.ts';
import { completeLines, markChanged, surveyTree } from './record.ts';
import { readText, writeText } from './scratch.ts';
import { type Manifest, wholeManifest } from './whole-manifest.ts';

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

/** The three passes, in this order; what somebody writes between the first and the last is marked as changed. */
export interface TreeDescription {
  /** Of the first pass: before the capture reads anything. */
  readonly survey: Survey;
  /** Second pass, beside the capture: reads all that `earlier` does not tell. @throws VolprimeError `SourceUnreadable`, `AttributesUnreadable` */
  read(earlier?: EarlierManifest): Promise<void>;
  /** Last pass, after the capture. */
  complete(header: ManifestHeader): Promise<Manifest>;
}

/** @throws VolprimeError `SourceUnreadable` */
export async function describeTree({ root, scratch, live, signal }: DescribeOptions): Promise<TreeDescription> {
  const base = Buffer.from(root);
  const at = (name: string) => join(scratch, `${name}.zst`);
  const survey = { names: 0, files: 0, bytes: 0 };
  await writeText(
    at('survey'),
    surveyTree(base, signal, ({ type, size }) => {
      survey.names++;
      if (type === 'file') survey.files++;
      survey.bytes += size;
    }),
  );
  let length = 0;
  return {
    survey,
    async read(earlier) {
      const lines = completeLines(root, readText(at('survey')), { earlier, live, signal });
      length = await writeText(at('lines'), lines);
      rmSync(at('survey'));
    },
    async complete(header) {
      const totals = { files: survey.files, bytes: survey.bytes, changed: 0 };
      if (!live) return wholeManifest(header, { length, read: () => readText(at('lines')) }, totals);
      const marked = markChanged(base, readText(at('lines')), signal, () => totals.changed++);
      length = await writeText(at('marked'), marked);
      rmSync(at('lines'));
      return wholeManifest(header, { length, read: () => readText(at('marked')) }, totals);
    },
  };
}
