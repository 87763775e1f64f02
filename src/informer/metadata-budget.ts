/**
 * Annotations and labels as caches keep them. Who may write an object may put 256 KiB of annotations on it, and any number of labels: a controller
 * that kept them all would die of a few hundred claims. Pure.
 */
import type { KubeObject } from '../api/objects.ts';
import { READ_ANNOTATIONS, READ_LABELS } from '../api/read-metadata.ts';

type Entries = Readonly<Record<string, string>>;

/** Characters of all names and values up to which an object keeps whatever it has: plugins may read them. */
export const WHOLE_CHARACTERS = 4 * 1024;
/** Characters of those that are read by name, of an object that has more. */
export const READ_CHARACTERS = 8 * 1024;

/** Bound for each object: annotations and labels, each, of at most READ_CHARACTERS. */
export function withinBudget<T extends KubeObject>(object: T): T {
  const { annotations, labels } = object.metadata;
  const kept = { annotations: keep(annotations, READ_ANNOTATIONS), labels: keep(labels, READ_LABELS) };
  if (kept.annotations === annotations && kept.labels === labels) return object;
  const metadata: T['metadata'] = {
    ...object.metadata,
    ...(kept.annotations !== undefined && { annotations: kept.annotations }),
    ...(kept.labels !== undefined && { labels: kept.labels }),
  };
  return { ...object, metadata };
}

function keep(entries: Entries | undefined, read: readonly string[]): Entries | undefined {
  if (entries === undefined || isSmall(entries)) return entries;
  const kept: Record<string, string> = {};
  let characters = 0;
  for (const name of read) {
    const value = Object.hasOwn(entries, name) ? entries[name] : undefined;
    if (value === undefined || characters + name.length + value.length > READ_CHARACTERS) continue;
    kept[name] = value;
    characters += name.length + value.length;
  }
  return kept;
}

function isSmall(entries: Entries): boolean {
  let characters = 0;
  for (const [name, value] of Object.entries(entries)) {
    characters += name.length + value.length;
    if (characters > WHOLE_CHARACTERS) return false;
  }
  return true;
}
