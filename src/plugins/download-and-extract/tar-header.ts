/** Just enough of the tar format (POSIX.1-1988 ustar) to know a header block when it is seen. */

export const BLOCK_SIZE = 512;
const CHECKSUM_OFFSET = 148;
const CHECKSUM_LENGTH = 8;

/** True for a block whose own checksum holds, and for the block of zeros with which an archive ends (an empty one begins with it). */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK_SIZE) return false;
  if (isZero(block)) return true;
  const field = block.toString('latin1', CHECKSUM_OFFSET, CHECKSUM_OFFSET + CHECKSUM_LENGTH);
  const recorded = /^[ \0]*([0-7]+)[ \0]*$/.exec(field)?.[1];
  return recorded !== undefined && Number.parseInt(recorded, 8) === checksum(block);
}

export function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

function checksum(block: Buffer): number {
  const inField = (index: number) => index >= CHECKSUM_OFFSET && index < CHECKSUM_OFFSET + CHECKSUM_LENGTH;
  return block.reduce((sum, byte, index) => sum + (inField(index) ? 0x20 : byte), 0);
}
