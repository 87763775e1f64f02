/**
 * Holds connections to an address policy: what was resolved and judged is what is dialled, so that a name server cannot answer one thing to
 * the check and another to the connection.
 */
import { lookup as systemLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { PermanentError } from '../../../sdk/index.ts';
import type { AddressPolicy } from './address-policy.ts';

export interface AddressGuard {
  /** For `net.connect` and `tls.connect`, which call it for names alone. */
  readonly lookup: LookupFunction;
  /** Of a host that is an address itself: why it may not be dialled. */
  refusalOf(host: string): PermanentError | undefined;
  /**
   * For hosts that a proxy resolves: judged by all addresses that this machine resolves them to.
   * @returns whether it resolves them at all.
   * @throws PermanentError `AddressNotAllowed`.
   */
  check(host: string): Promise<boolean>;
}

/** As `dns.lookup` with all addresses. */
export type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/** @param advice for the message: what allows the address. */
export function guardOf(
  policy: AddressPolicy,
  advice: (host: string) => string,
  resolve: Resolve = systemLookup,
): AddressGuard {
  const known = new Map<string, Promise<LookupAddress[]>>();
  /** Once for each host: where pods have no name server of the outside, each answer may take seconds. */
  const resolveOnce = (host: string) => {
    const found = known.get(host) ?? resolveAll(resolve, host);
    known.set(host, found);
    return found;
  };
  /** An error where none of the addresses may be dialled. */
  const judge = (host: string, found: readonly LookupAddress[]): LookupAddress[] | PermanentError => {
    const allowed = found.filter(({ address }) => policy.objectionTo(address) === undefined);
    const [first] = found;
    return first === undefined || allowed.length > 0 ? allowed : refusal(host, first.address);
  };
  const refusal = (host: string, address: string) => {
    const resolved = host === address ? host : `${host} has the address ${address}, which`;
    return new PermanentError(
      'AddressNotAllowed',
      `${resolved} is ${policy.objectionTo(address)}, and only public addresses are dialled here. ${advice(host)}`,
    );
  };
  return {
    lookup: (host, { all = false, ...options }, callback) => {
      resolve(host, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, '');
        const judged = judge(host, found);
        if (judged instanceof PermanentError) return callback(judged, '');
        const [first] = judged;
        if (all || first === undefined) return callback(null, judged);
        return callback(null, first.address, first.family);
      });
    },
    refusalOf: (host) => {
      const address = unbracketed(host);
      return isIP(address) !== 0 && policy.objectionTo(address) !== undefined ? refusal(address, address) : undefined;
    },
    check: async (host) => {
      const found = await resolveOnce(unbracketed(host));
      const refused = found.find(({ address }) => policy.objectionTo(address) !== undefined);
      if (refused !== undefined) throw refusal(host, refused.address);
      return found.length > 0;
    },
  };
}

/** None where the name is not known, for whatever reason. */
function resolveAll(resolve: Resolve, host: string): Promise<LookupAddress[]> {
  const { promise, resolve: settle } = Promise.withResolvers<LookupAddress[]>();
  resolve(host, { all: true }, (error, found) => settle(error === null ? found : []));
  return promise;
}

export function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
