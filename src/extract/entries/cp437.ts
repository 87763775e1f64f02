/** The character set of the first PCs, which names in zip archives are in unless they say otherwise. */
import type { ByteString } from './tar-header.ts';

/** Bytes 128 to 255; those below are ASCII. */
const UPPER_HALF = [
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ',
  'áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐',
  '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀',
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
].join('');

export function cp437ToUtf8(name: Buffer): ByteString {
  const raw = name.toString('latin1');
  if (!/[\u0080-\u00ff]/.test(raw)) return raw;
  const text = raw.replace(/[\u0080-\u00ff]/g, (byte) => UPPER_HALF.charAt(byte.charCodeAt(0) - 128));
  return Buffer.from(text).toString('latin1');
}
