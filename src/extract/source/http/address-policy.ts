/** Which addresses may be dialled: public ones, and those that the operator adds. Pure. */
import { BlockList, isIP } from 'node:net';
import { type SpecialRange, specialIPv4, specialIPv6 } from '../../../api/special-addresses.ts';

const FAMILIES = { 4: 'ipv4', 6: 'ipv6' } as const;

export interface AddressPolicy {
  /** @returns what the address is ("a private address"), or undefined where it may be dialled. */
  objectionTo(address: string): string | undefined;
}

/** @param allowed CIDRs that may be dialled whatever they are. */
export function publicAddresses(allowed: readonly string[] = []): AddressPolicy {
  const ranges = { 4: named(specialIPv4), 6: named(specialIPv6) };
  const exempt = { 4: listOf(allowed, 4), 6: listOf(allowed, 6) };
  return {
    objectionTo: (address) => {
      const plain = canonical(address);
      if (plain === undefined) return 'no IP address';
      const family = isIP(plain) === 4 ? 4 : 6;
      if (exempt[family].check(plain, FAMILIES[family])) return undefined;
      return ranges[family].find(({ list }) => list.check(plain, FAMILIES[family]))?.what;
    },
  };
}

function named(ranges: readonly SpecialRange[]) {
  return ranges.map(({ cidr, what }) => ({ what, list: listOf([cidr], isIP(cidr.split('/')[0] ?? '') === 4 ? 4 : 6) }));
}

/** One list for each family: a BlockList takes every IPv4 address for a part of ::/3. */
function listOf(cidrs: readonly string[], family: 4 | 6): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix = ''] = cidr.split('/');
    if (isIP(address) === family) list.addSubnet(address, Number(prefix), FAMILIES[family]);
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
