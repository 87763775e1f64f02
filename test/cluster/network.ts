/**
 * Addresses of a cluster with a node. Its node lives in a network namespace of its own, joined to this machine by one
 * veth pair. There is no default route inside: pods reach each other, the API server and this machine, nothing else.
 */
import { createHash } from 'node:crypto';
import { run } from './command.ts';
import { clusterNames, readState } from './state.ts';

const SLOTS = 64;

export const serviceCidr = '10.96.0.0/16';
export const dnsAddress = '10.96.0.10';

export interface Addresses {
  /** This machine's end of the veth pair; reachable from pods. */
  readonly host: string;
  readonly node: string;
  readonly podCidr: string;
  readonly link: string;
}

export function addressesOf(slot: number): Addresses {
  return {
    host: `10.202.${slot}.1`,
    node: `10.202.${slot}.2`,
    podCidr: `10.201.${slot * 4}.0/22`,
    link: `10.202.${slot}.0/24`,
  };
}

/** Interface names end at 15 characters, so the cluster's name is hashed. */
export function hostInterface(stateDir: string): string {
  return `vp${createHash('sha256').update(stateDir).digest('hex').slice(0, 8)}`;
}

/** A range that neither another cluster nor a route of this machine uses. */
export async function chooseSlot(name: string): Promise<number> {
  const routes = await run({ file: 'ip', args: ['-4', 'route', 'show', 'table', 'all'] });
  const taken = new Set(clusterNames().flatMap((other) => (other === name ? [] : [readState(other)?.slot])));
  const preferred = createHash('sha256').update(name).digest().readUInt8(0) % SLOTS;
  for (let step = 0; step < SLOTS; step += 1) {
    const slot = (preferred + step) % SLOTS;
    const { link, podCidr } = addressesOf(slot);
    if (!taken.has(slot) && !routes.includes(link) && !routes.includes(podCidr)) return slot;
  }
  throw new Error(
    'no free address range for a cluster: too many clusters, or 10.201/16 and 10.202/16 are routed elsewhere',
  );
}

/** Joins the network namespace of process `init` to this machine. */
export async function connectNamespace(init: number, stateDir: string, addresses: Addresses): Promise<void> {
  const outside = hostInterface(stateDir);
  const ip = (...args: string[]) => run({ file: 'ip', args });
  const inside = (...args: string[]) => run({ file: 'nsenter', args: [`--net=/proc/${init}/ns/net`, ...args] });
  await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(init));
  await ip('address', 'add', `${addresses.host}/24`, 'dev', outside);
  await ip('link', 'set', outside, 'up');
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'address', 'add', `${addresses.node}/24`, 'dev', 'eth0');
  await inside('ip', 'link', 'set', 'eth0', 'up');
  // Without a route a process of the node could not even open a connection to a service address.
  await inside('ip', 'route', 'add', serviceCidr, 'dev', 'eth0');
  await inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  await ip('route', 'add', addresses.podCidr, 'via', addresses.node);
}

/** Each pod gets a veth pair and a route, no bridge: all traffic is routed, so connection tracking sees both ways. */
export function cniConfiguration(addresses: Addresses): string {
  const ipam = { type: 'host-local', ranges: [[{ subnet: addresses.podCidr }]], routes: [{ dst: '0.0.0.0/0' }] };
  return JSON.stringify({ cniVersion: '0.4.0', name: 'pods', plugins: [{ type: 'ptp', ipMasq: false, ipam }] });
}
