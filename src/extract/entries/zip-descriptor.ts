/** The record behind a member's data that has its checksum and sizes, for writers that did not know them before. */
import { readSize64, signature } from './zip-header.ts';

/** Its longest form, and the signature of the record after it. */
export const DESCRIPTOR_LOOKAHEAD = 28;

interface Measured {
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
}

/** Signature or none, sizes of 4 bytes or 8: the format does not say which, so the one that agrees with what was measured is taken. */
const FORMS = [
  { length: 16, sizeLength: 4 },
  { length: 24, sizeLength: 8 },
  { length: 12, sizeLength: 4 },
  { length: 20, sizeLength: 8 },
] as const;

/** @param input with at least DESCRIPTOR_LOOKAHEAD bytes. @returns the record's length; undefined where none of its forms agrees. */
export function descriptorLength(input: Buffer, at: number, measured: Measured): number | undefined {
  const signed = input.readUInt32LE(at) === signature.descriptor;
  return FORMS.find(({ length, sizeLength }) => {
    const hasSignature = length === 8 + 2 * sizeLength;
    if (hasSignature && !signed) return false;
    const from = hasSignature ? at + 4 : at;
    const readSize = (place: number) => (sizeLength === 4 ? input.readUInt32LE(place) : readSize64(input, place));
    return (
      RECORDS.has(input.readUInt32LE(at + length)) &&
      input.readUInt32LE(from) === measured.crc &&
      readSize(from + 4) === measured.compressed &&
      readSize(from + 4 + sizeLength) === measured.size
    );
  })?.length;
}

/** What may follow a member. */
const RECORDS: ReadonlySet<number> = new Set([signature.local, signature.central]);
