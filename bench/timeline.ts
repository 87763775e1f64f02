/** What happened to a claim, and when, as the API server saw it. Pure. */
import { type Request, writeVerbs } from './audit-log.ts';

/** From the create call of each claim whose name begins so to the first write on it by this program, in milliseconds. */
export function firstActionMs(log: readonly Request[], agent: string, prefix: string): number[] {
  const ofClaims = log.filter(({ resource, name }) => resource === 'persistentvolumeclaims' && name.startsWith(prefix));
  const created = new Map(ofClaims.filter(({ verb }) => verb === 'create').map((request) => [request.name, request]));
  const first = new Map<string, Request>();
  for (const request of ofClaims) {
    if (request.agent === agent && writeVerbs.includes(request.verb) && !first.has(request.name))
      first.set(request.name, request);
  }
  return [...first].flatMap(([name, { receivedAt }]) => {
    const since = created.get(name)?.receivedAt;
    return since === undefined ? [] : [receivedAt - since];
  });
}

/** Every request but watches that concerned the only claim of a pass, in milliseconds after the claim's create call. */
export function timelineOf(log: readonly Request[], claim: string): string {
  const start = log.find((request) => request.verb === 'create' && request.name === claim)?.receivedAt ?? 0;
  const shown = log.filter(
    ({ verb, resource }) => verb !== 'watch' && verb !== 'list' && resource !== 'leases' && resource !== 'nodes',
  );
  const lines = shown
    .filter(({ receivedAt }) => receivedAt >= start)
    .map(({ receivedAt, answeredAt, agent, verb, resource, name, code }) => {
      const at = (receivedAt - start).toFixed(1).padStart(9);
      const took = (answeredAt - receivedAt).toFixed(1).padStart(7);
      return `${at} ms ${took} ms  ${agent.padEnd(24)} ${String(code).padEnd(4)} ${verb.padEnd(7)} ${resource} ${name}`;
    });
  return [`timeline of ${claim} (when, how long, who, answer, what)`, ...lines].join('\n');
}
