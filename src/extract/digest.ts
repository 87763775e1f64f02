/** The digest of a body as downloaded. */
import { createHash } from 'node:crypto';

export interface Digest {
  update(bytes: Buffer): void;
  /** `sha256:` or `sha512:` and lower-case hexadecimal digits. */
  result(): string;
}

/** @param checksum what it will be compared with says which function it is; sha256 where there is none. */
export function createDigest(checksum: string | undefined): Digest {
  const algorithm = checksum?.startsWith('sha512:') === true ? 'sha512' : 'sha256';
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    result: () => `${algorithm}:${hash.digest('hex')}`,
  };
}
