/** What a reader or the policy left out or put up with: said once at the end, with a count. */
export type Note = 'accessControlList' | 'attributesLost' | 'endMarkerMissing' | 'unusualTime';

const texts: Readonly<Record<Note, string>> = {
  accessControlList: 'access control lists (ACLs) are not restored',
  attributesLost: 'extended attributes could not be restored',
  endMarkerMissing: "the archive lacks its end-of-archive marker; its entries and the source's length are complete",
  unusualTime:
    'modification times before 1901 or after 2446 may have become the nearest time that the file system can hold',
};

/** Counts by note. Plain data, so that it can cross threads. */
export type Notes = Map<Note, number>;

export function addNote(notes: Notes, note: Note): void {
  notes.set(note, (notes.get(note) ?? 0) + 1);
}

/** One line for a log. */
export function noteText(note: Note): string {
  return texts[note];
}

/** Adds what another place has noted. */
export function addNotes(notes: Notes, others: Notes): void {
  for (const [note, count] of others) notes.set(note, (notes.get(note) ?? 0) + count);
}
