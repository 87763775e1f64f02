/**
 * Stands between an archive's reader and the writer and decides what of each entry goes on: names that leave the target are
 * refused, the others stripped, unwanted entries left out. It looks at nothing but the entries; what needs memory of earlier ones or the disk is the writer's.
 */
import type { Budget } from '../budget.ts';
import { quote, safeName, unsupported } from './entry-name.ts';
import type { Entry, EntryHandler } from './entry.ts';
import { nameFilter } from './name-filter.ts';
import { addNote, type Notes } from './notes.ts';
import { pickEntries } from './pick-entries.ts';
import type { ByteString } from './tar-header.ts';

export interface Policy {
  /** Leading parts of each name that are taken away; an entry that has no more is left out. */
  readonly stripComponents: number;
  /** Globs on the name as it would be extracted; see nameFilter. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Owners are taken from the archive. */
  readonly preserveOwners: boolean;
  /** Steps that the globs may take, for the whole job. */
  readonly globs: Budget;
}

/**
 * @returns a handler whose `begin` throws PermanentError `HostileArchive` for names that leave the target, `UnsupportedEntry` for owners
 * that no system has and for hard links to what is left out, `LimitExceeded` where the globs take too many steps.
 */
export function applyPolicy(policy: Policy, notes: Notes, next: EntryHandler): EntryHandler {
  const wanted = nameFilter(policy.include, policy.exclude, policy.globs);
  const nameFor = (entryName: ByteString) => {
    const name = strippedName(entryName, policy.stripComponents);
    return name === undefined || (name !== '' && !wanted(name)) ? undefined : name;
  };
  const picked = pickEntries(next, (entry) => {
    const name = nameFor(entry.name);
    if (name === undefined) return undefined;
    if (policy.preserveOwners) checkOwner(entry);
    if (!isCommonTime(entry.mtime)) addNote(notes, 'unusualTime');
    const linkName = entry.type === 'hardLink' ? linkedName(entry, nameFor) : entry.linkName;
    // Without stripping, names stay as they are spelled, for whoever has to tell of them.
    return policy.stripComponents === 0 ? entry : { ...entry, name, linkName };
  });
  return {
    ...picked,
    amend(entryName, mode) {
      const name = nameFor(entryName);
      if (name !== undefined) next.amend(policy.stripComponents === 0 ? entryName : name, mode);
    },
  };
}

/** Undefined where nothing is left of the name. */
function strippedName(name: ByteString, components: number): ByteString | undefined {
  const safe = safeName(name);
  if (components === 0) return safe;
  const parts = safe.split('/').slice(components);
  return parts.length === 0 ? undefined : parts.join('/');
}

/** A hard link names another entry of the archive, which is stripped like itself. */
function linkedName(entry: Entry, nameFor: (name: ByteString) => ByteString | undefined): ByteString {
  const name = nameFor(entry.linkName);
  if (name !== undefined) return name;
  throw unsupported(
    entry.name,
    `is a hard link to ${quote(entry.linkName)}, which stripComponents, include or exclude leaves out; take both or none`,
  );
}

/** The highest number means "unchanged" to the system: the entry would silently belong to somebody else. */
const MAX_OWNER = 2 ** 32 - 2;

function checkOwner(entry: Entry): void {
  for (const field of ['uid', 'gid'] as const) {
    const id = entry[field];
    if (id < 0 || id > MAX_OWNER) throw unsupported(entry.name, `has the ${field} ${id}, which no file can have`);
  }
}

/** What ext4 can hold: 1901 to 2446. File systems put the nearest time they can hold in place of others. */
function isCommonTime(mtime: number): boolean {
  return mtime >= -(2 ** 31) && mtime < 2 ** 34 - 2 ** 31;
}
