/** Extended attributes in pax records: of star and GNU tar (bytes as they are), of libarchive (base64), and SELinux contexts. */
import { corrupt, type ByteString } from './tar-header.ts';

const SCHILY = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

/**
 * @returns undefined for records of another kind.
 * @throws PermanentError `ArchiveCorrupt` where libarchive's encoding does not hold.
 */
export function extendedAttribute(
  key: ByteString,
  value: ByteString,
): { readonly name: ByteString; readonly value: Buffer } | undefined {
  if (key.startsWith(SCHILY))
    return { name: unescapeKey(key.slice(SCHILY.length)), value: Buffer.from(value, 'latin1') };
  if (key.startsWith(LIBARCHIVE)) return { name: urlDecode(key.slice(LIBARCHIVE.length)), value: base64(value) };
  if (key === 'RHT.security.selinux') return { name: 'security.selinux', value: Buffer.from(value, 'latin1') };
  return undefined;
}

/** GNU tar escapes the two characters that the key of a record may not have; star leaves names as they are. */
function unescapeKey(name: ByteString): ByteString {
  return name.replace(/%(25|3D)/g, (escape) => (escape === '%25' ? '%' : '='));
}

function urlDecode(name: ByteString): ByteString {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_match, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function base64(text: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw corrupt('an extended attribute is not encoded in base64');
  return Buffer.from(text, 'base64');
}
