/** Which addresses may be dialled: public ones, and those that the operator adds. Pure. */
import { BlockList, isIP } from 'node:net';
import { specialIPv4, specialIPv6 } from '../../../api/special-addresses.ts';

export interface AddressPolicy {
  /** @returns what the address is ("a private address"), or undefined where it may be dialled. */
  objectionTo(address: string): string | undefined;
}

/** @param allowed CIDRs that may be dialled whatever they are. */
export function publicAddresses(allowed: readonly string[] = []): AddressPolicy {
  const ranges = [...specialIPv4, ...specialIPv6].map((range) => ({ ...range, list: listOf([range.cidr]) }));
  const exempt = listOf(allowed);
  return {
    objectionTo: (address) => {
      const plain = canonical(address);
      if (plain === undefined) return 'no IP address';
      const family = isIP(plain) === 4 ? 'ipv4' : 'ipv6';
      if (exempt.check(plain, family)) return undefined;
      return ranges.find(({ list }) => list.check(plain, family))?.what;
    },
  };
}

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix = ''] = cidr.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** The one spelling of an address, an IPv4-mapped one as what it holds, without a zone. */
function canonical(address: string): string | undefined {
  const [bare = ''] = address.split('%');
  if (isIP(bare) !== 6) return isIP(bare) === 4 ? bare : undefined;
  const spelled = URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1) ?? bare;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(spelled) ?? [];
  if (high === undefined || low === undefined) return spelled;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((word) => [word >> 8, word & 255]).join('.');
}
