/** Carries out a finding: on the live objects, with their uid and version, and only as long as they still say the same. */
import { CLAIM_FINALIZER, LABEL_CLAIM_UID, PROTECTION_FINALIZER, populationName } from '../../api/names.ts';
import type { Claim, KubeObject, Volume } from '../../api/objects.ts';
import { type Population, populations } from '../../api/population.ts';
import { namedRecord } from '../../api/proof.ts';
import { claims, pods, type Resource, volumes } from '../../api/resources.ts';
import { ifServed, type KubeClient, keyOf, type WriteOutcome } from '../../kube/index.ts';
import { withoutFinalizer } from '../../runtime/index.ts';
import { suspendedPolicy } from '../effects/volume.ts';
import { isDeleting } from '../facts.ts';
import type { Finding, FindingKind } from './finding.ts';

export interface SweepAccess {
  /** Writes only while this process leads. */
  readonly client: KubeClient;
  /** Namespaces that records can be in; all where undefined. */
  readonly namespaces: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/** `done`: it is as it should be. Anything else is left as it was, in words for the log. */
export type SweepOutcome = 'done' | { readonly left: string };

export async function carryOut(access: SweepAccess, finding: Finding): Promise<SweepOutcome> {
  switch (finding.action) {
    case 'release':
      return release(access, finding);
    case 'reclaim':
      return reclaim(access, finding.object as Volume);
    case 'delete':
      return removeRecord(access, finding.object as Population);
    case 'resume':
    case 'report':
      return 'done';
  }
}

const resources = {
  Claim: claims,
  Prime: claims,
  Pod: pods,
  Population: populations,
  Volume: volumes,
} satisfies Record<FindingKind, Resource>;

async function release(access: SweepAccess, finding: Finding): Promise<SweepOutcome> {
  const resource: Resource = resources[finding.kind];
  const key = keyOf(finding.object);
  const [live, record] = await Promise.all([
    access.client.get(resource, key, { signal: access.signal }),
    liveRecord(access, finding),
  ]);
  if (live === undefined || live.metadata.uid !== finding.object.metadata.uid) return 'done';
  if (record !== undefined) return { left: `Population ${record.metadata.name} knows it` };
  if (!isDeleting(live)) return { left: 'it is not being deleted' };
  const body = withoutFinalizer(live, finding.kind === 'Claim' ? CLAIM_FINALIZER : PROTECTION_FINALIZER);
  if (body === undefined) return 'done';
  return settled(await access.client.mergePatch(resource, key, body, { signal: access.signal }));
}

/** The record that an object belongs to, whatever the caches say. */
async function liveRecord(access: SweepAccess, { kind, object, claimUid }: Finding): Promise<Population | undefined> {
  const { client, signal } = access;
  const named = namedRecord(object, 'Population');
  const isRecord = ({ metadata }: Population) => kind === 'Claim' || metadata.uid === named;
  if (claimUid === undefined) return undefined;
  const key = { namespace: object.metadata.namespace, name: populationName(claimUid) };
  const beside = await client.get(populations, key, { signal });
  if (beside !== undefined && isRecord(beside)) return beside;
  for (const namespace of access.namespaces ?? [undefined]) {
    const selection = { namespace, labelSelector: `${LABEL_CLAIM_UID}=${claimUid}` };
    // Without the kind there are no records.
    const page = await ifServed(client.listPage(populations, selection, { signal }));
    const found = page?.items.find(isRecord);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As the engine would have done before the hand-over: see suspendRetain. The record named the prime that the volume was made for. */
async function reclaim({ client, signal }: SweepAccess, seen: Volume): Promise<SweepOutcome> {
  const live = await client.get(volumes, keyOf(seen), { signal });
  if (live === undefined || live.metadata.uid !== seen.metadata.uid) return 'done';
  const same = live.spec.claimRef?.uid === seen.spec.claimRef?.uid && live.status?.phase !== 'Bound';
  if (!same) return { left: 'it has another claim by now' };
  return settled(await client.mergePatch(volumes, keyOf(live), suspendedPolicy(live), { signal }));
}

async function removeRecord({ client, signal }: SweepAccess, record: Population): Promise<SweepOutcome> {
  const { namespace, uid, resourceVersion } = record.metadata;
  const claim: Claim | undefined = await client.get(claims, { namespace, name: record.spec.claim.name }, { signal });
  if (claim?.metadata.uid === record.spec.claim.uid) return { left: 'its claim exists' };
  return settled(await client.delete(populations, keyOf(record), { uid, resourceVersion, signal }));
}

function settled(outcome: WriteOutcome<KubeObject>): SweepOutcome {
  switch (outcome.type) {
    case 'done':
    case 'absent':
      return 'done';
    case 'exists':
      return { left: 'it exists' };
    case 'conflict':
    case 'refused':
      return { left: outcome.message };
  }
}
