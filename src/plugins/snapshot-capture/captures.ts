/**
 * How a capture lies in its repository: one restic snapshot with the data, and one with the manifest, written last. What there is to know of it
 * without reading data stands in the tags, which are given when a snapshot is made and never changed.
 */
import * as z from 'zod';
import type { RepositorySnapshot } from '../../restic/index.ts';
import { type CaptureResult, captureResultSchema } from '../../sdk/pod-report.ts';

const KEY = 'volprime-key=';
const CLAIM = 'volprime-claim=';
const DATA = 'volprime-part=data';
const MANIFEST = 'volprime-part=manifest';
const ABOUT = 'volprime-about=';

/** Names of the only file in a snapshot of a manifest, and of a device. */
export const MANIFEST_FILE = 'manifest.jsonl';
export const DEVICE_FILE = 'volume.img';

/** As it stands in the manifest's tag. */
const aboutSchema = captureResultSchema.extend({
  /** Snapshot of the data; an empty volume has none, since restic makes none of nothing. */
  data: z.string().min(1).optional(),
  kind: z.enum(['directory', 'device']),
  /** Bytes of the manifest; one that has fewer was cut. */
  length: z.int().min(1),
});

export type About = z.infer<typeof aboutSchema>;

/** A capture that is complete. */
export interface Capture {
  readonly about: About;
  readonly manifest: string;
}

export function dataTags(key: string, claimUid: string): string[] {
  return [`${KEY}${key}`, `${CLAIM}${claimUid}`, DATA];
}

export function manifestTags(key: string, claimUid: string, about: About): string[] {
  // A tag holds no comma: restic would make two of it.
  const text = Buffer.from(JSON.stringify(about)).toString('base64url');
  return [`${KEY}${key}`, `${CLAIM}${claimUid}`, MANIFEST, `${ABOUT}${text}`];
}

/** What is listed of a repository when it is opened: all that bears the key, complete or not. */
export function tagsOfKey(key: string): string[] {
  return [`${KEY}${key}`];
}

export function tagsOfClaim(claimUid: string): string[] {
  return [`${CLAIM}${claimUid}`];
}

/** The capture of the key, or undefined where it is not there or not complete. */
export function findCapture(listed: readonly RepositorySnapshot[], key: string): Capture | undefined {
  return completeIn(listed.filter(({ tags }) => tags.includes(`${KEY}${key}`)));
}

/** What the next capture of the claim can build on. */
export interface Earlier {
  readonly capture: Capture | undefined;
  /** The newest data, even of a capture that did not end. */
  readonly data: string | undefined;
}

export function findEarlier(listed: readonly RepositorySnapshot[], claimUid: string): Earlier {
  const all = listed.filter(({ tags }) => tags.includes(`${CLAIM}${claimUid}`));
  return { capture: completeIn(all), data: all.findLast(({ tags }) => tags.includes(DATA))?.id };
}

/** Of a device, or of a volume that was not empty. @throws RangeError */
export function dataOf({ data }: About): string {
  if (data === undefined) throw new RangeError('a capture of a device has data');
  return data;
}

export function resultOf({ about }: Capture): CaptureResult {
  return captureResultSchema.parse(about);
}

/** The newest. */
function completeIn(snapshots: readonly RepositorySnapshot[]): Capture | undefined {
  return snapshots
    .filter(({ tags }) => tags.includes(MANIFEST))
    .map(({ id, tags, bytes }) => ({ about: aboutIn(tags), manifest: id, bytes }))
    .flatMap(({ about, manifest, bytes }) =>
      about !== undefined && about.length === bytes ? [{ about, manifest }] : [],
    )
    .findLast(({ about }) => about.data === undefined || snapshots.some(({ id }) => id === about.data));
}

function aboutIn(tags: readonly string[]): About | undefined {
  const text = tags.find((tag) => tag.startsWith(ABOUT))?.slice(ABOUT.length);
  if (text === undefined) return undefined;
  try {
    return aboutSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}
