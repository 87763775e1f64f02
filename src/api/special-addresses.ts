/**
 * Addresses that are not of the public internet: what a populator of the populator namespace refuses to dial, and what the NetworkPolicy of
 * deploy/components/cross-namespace excludes.
 *
 * Sources: IANA IPv4 Special-Purpose Address Registry, IANA IPv6 Special-Purpose Address Registry, IANA IPv6 Address Space (all three as of
 * 2026), and the RFCs that are named. A block is taken whole where the registry carves single global addresses out of it.
 */

export interface SpecialRange {
  readonly cidr: string;
  /** In messages: "… is a private address". */
  readonly what: string;
  readonly source: string;
}

export const specialIPv4: readonly SpecialRange[] = [
  { cidr: '0.0.0.0/8', what: 'an address of this host', source: 'RFC 791' },
  { cidr: '10.0.0.0/8', what: 'a private address', source: 'RFC 1918' },
  { cidr: '100.64.0.0/10', what: 'a shared address', source: 'RFC 6598; 100.100.100.200 is metadata at Alibaba' },
  { cidr: '127.0.0.0/8', what: 'a loopback address', source: 'RFC 1122' },
  { cidr: '168.63.129.16/32', what: 'a metadata address', source: 'Azure WireServer; a public number' },
  { cidr: '169.254.0.0/16', what: 'a link-local address', source: 'RFC 3927; 169.254.169.254 is metadata' },
  { cidr: '172.16.0.0/12', what: 'a private address', source: 'RFC 1918' },
  { cidr: '192.0.0.0/24', what: 'a reserved address', source: 'RFC 6890; 192.0.0.192 is metadata at Oracle' },
  { cidr: '192.0.2.0/24', what: 'a documentation address', source: 'RFC 5737' },
  { cidr: '192.88.99.0/24', what: 'a 6to4 relay', source: 'RFC 7526' },
  { cidr: '192.168.0.0/16', what: 'a private address', source: 'RFC 1918' },
  { cidr: '198.18.0.0/15', what: 'a benchmarking address', source: 'RFC 2544' },
  { cidr: '198.51.100.0/24', what: 'a documentation address', source: 'RFC 5737' },
  { cidr: '203.0.113.0/24', what: 'a documentation address', source: 'RFC 5737' },
  { cidr: '224.0.0.0/4', what: 'a multicast address', source: 'RFC 5771' },
  { cidr: '240.0.0.0/4', what: 'a reserved address', source: 'RFC 1112; the last one is broadcast, RFC 919' },
];

/** The first that holds an address names it: the widest stand last. IPv4-mapped addresses are judged as the IPv4 address that they hold. */
export const specialIPv6: readonly SpecialRange[] = [
  { cidr: '::/128', what: 'an unspecified address', source: 'RFC 4291' },
  { cidr: '::1/128', what: 'a loopback address', source: 'RFC 4291' },
  { cidr: '::/96', what: 'an IPv4-compatible address', source: 'RFC 4291, deprecated' },
  { cidr: '::ffff:0:0:0/96', what: 'an IPv4-translated address', source: 'RFC 2765' },
  { cidr: '64:ff9b::/96', what: 'a NAT64 address', source: 'RFC 6052' },
  { cidr: '64:ff9b:1::/48', what: 'a NAT64 address', source: 'RFC 8215' },
  { cidr: '100::/64', what: 'a discard address', source: 'RFC 6666' },
  { cidr: '100:0:0:1::/64', what: 'a dummy address', source: 'RFC 9780' },
  { cidr: '2001::/32', what: 'a Teredo address', source: 'RFC 4380' },
  { cidr: '2001::/23', what: 'a reserved address', source: 'RFC 2928' },
  { cidr: '2001:db8::/32', what: 'a documentation address', source: 'RFC 3849' },
  { cidr: '2002::/16', what: 'a 6to4 address', source: 'RFC 3056' },
  { cidr: '3fff::/20', what: 'a documentation address', source: 'RFC 9637' },
  { cidr: '5f00::/16', what: 'a segment routing address', source: 'RFC 9602' },
  { cidr: 'fc00::/7', what: 'a private address', source: 'RFC 4193; fd00:ec2::254 is metadata at AWS' },
  { cidr: 'fe80::/10', what: 'a link-local address', source: 'RFC 4291' },
  { cidr: 'fec0::/10', what: 'a site-local address', source: 'RFC 3879' },
  { cidr: 'ff00::/8', what: 'a multicast address', source: 'RFC 4291' },
  { cidr: '::/3', what: 'an address outside of global unicast', source: 'IANA IPv6 Address Space: 2000::/3 alone' },
  { cidr: '4000::/2', what: 'an address outside of global unicast', source: 'IANA IPv6 Address Space: 2000::/3 alone' },
  { cidr: '8000::/1', what: 'an address outside of global unicast', source: 'IANA IPv6 Address Space: 2000::/3 alone' },
];
