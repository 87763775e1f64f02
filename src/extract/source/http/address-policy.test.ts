import { isIPv4 } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { specialIPv4, specialIPv6 } from '../../../api/special-addresses.ts';
import { publicAddresses } from './address-policy.ts';

const policy = publicAddresses();

/** As an URL spells its host in the end: decimal, octal and short forms of IPv4 are gone then. */
const hostOf = (url: string) => new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');

describe('an address that is not public', () => {
  test.each([
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'shared'],
    ['100.100.100.200', 'shared'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['0.0.0.0', 'this host'],
    ['169.254.169.254', 'link-local'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.192', 'reserved'],
    ['192.0.2.1', 'documentation'],
    ['198.18.0.1', 'benchmarking'],
    ['198.19.255.255', 'benchmarking'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::10.0.0.1', 'IPv4-compatible'],
    ['::ffff:10.0.0.1', 'private'],
    ['::FFFF:7F00:1', 'loopback'],
    ['0:0:0:0:0:ffff:a9fe:a9fe', 'link-local'],
    ['::ffff:0:10.0.0.1', 'IPv4-translated'],
    ['64:ff9b::10.0.0.1', 'NAT64'],
    ['64:ff9b::8.8.8.8', 'NAT64'],
    ['64:ff9b:1::1', 'NAT64'],
    ['100::1', 'discard'],
    ['2001::1', 'Teredo'],
    ['2001:10::1', 'reserved'],
    ['2001:db8::1', 'documentation'],
    ['2002:a00:1::', '6to4'],
    ['fd00:ec2::254', 'private'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['1fff::1', 'outside of global unicast'],
    ['4000::1', 'outside of global unicast'],
    ['e000::1', 'outside of global unicast'],
    ['', 'no IP address'],
    ['example.com', 'no IP address'],
    ['10.0.0.1/8', 'no IP address'],
  ])('%s', (address, what) => {
    expect(policy.objectionTo(address)).toContain(what);
  });

  test.each([
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0x7f.1/',
    'http://127.1/',
    'http://0/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://１２７.0.0.1/',
    'http://127。0。0。1/',
  ])('as %s', (url) => {
    expect(policy.objectionTo(hostOf(url))).toBeDefined();
  });
});

test.each(['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'])(
  '%s is public',
  (address) => {
    expect(policy.objectionTo(address)).toBeUndefined();
    expect(policy.objectionTo(`::ffff:${address}`)).toBeUndefined();
  },
);

test.each(['2606:4700:4700::1111', '2001:4860:4860::8888', '2a00:1450:4001::1', '3fff:1000::1'])(
  '%s is public',
  (address) => {
    expect(policy.objectionTo(address)).toBeUndefined();
  },
);

describe('what the operator adds', () => {
  const allowing = publicAddresses(['10.20.0.0/16', 'fd12::/16', '127.0.0.1/32', '64:ff9b::/96']);
  test.each([
    ['10.20.255.1', true],
    ['::ffff:10.20.0.1', true],
    ['10.21.0.1', false],
    ['127.0.0.1', true],
    ['127.0.0.2', false],
    ['fd12::1', true],
    ['fd13::1', false],
    ['64:ff9b::8.8.8.8', true],
  ])('%s: %s', (address, allowed) => {
    expect(allowing.objectionTo(address) === undefined).toBe(allowed);
  });

  test('of one family says nothing of the other', () => {
    expect(publicAddresses(['::/0']).objectionTo('10.0.0.1')).toBeDefined();
    expect(publicAddresses(['0.0.0.0/0']).objectionTo('::1')).toBeDefined();
  });

  test('may be everything', () => {
    const all = publicAddresses(['0.0.0.0/0', '::/0']);
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => all.objectionTo(address) === undefined));
  });
});

/** The ranges by arithmetic of their own, to hold the engine against. */
function bitsOf(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((bits, part) => bits * 256n + BigInt(part), 0n);
  const [head = '', tail] = hostOf(`http://[${address}]/`).split('::');
  const words = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'));
  const zeros = Array.from({ length: 8 - words(head).length - words(tail).length }, () => '0');
  return [...words(head), ...zeros, ...words(tail)].reduce((bits, word) => bits * 65_536n + BigInt(`0x${word}`), 0n);
}

function within(address: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const shift = BigInt((isIPv4(network) ? 32 : 128) - Number(prefix));
  return bitsOf(address) >> shift === bitsOf(network) >> shift;
}

test('an address is refused exactly where a range of the table holds it, however it is spelled', () => {
  const refused = (address: string) => policy.objectionTo(address) !== undefined;
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const special = specialIPv4.some(({ cidr }) => within(address, cidr));
      expect([address, `::ffff:${address}`].map(refused)).toEqual([special, special]);
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const bits = bitsOf(address);
      if (bits >> 32n === 0xffffn) return;
      const special = specialIPv6.some(({ cidr }) => within(address, cidr));
      expect([address, address.toUpperCase(), hostOf(`http://[${address}]/`)].map(refused)).toEqual(
        Array.from({ length: 3 }, () => special),
      );
    }),
  );
  // Of every range its first address and its last.
  for (const { cidr } of [...specialIPv4, ...specialIPv6])
    expect([cidr, refused(cidr.split('/')[0] ?? '')]).toEqual([cidr, true]);
});
