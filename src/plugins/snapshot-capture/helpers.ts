/** Reading, making and removing the objects that a capture needs. Each is proven to be its own first. */
import type { Claim, KubeObject, NewObject, Pod } from '../../api/objects.ts';
import { claims, pods, type Resource } from '../../api/resources.ts';
import { TemporaryError } from '../../sdk/index.ts';
import { helperName, isHelperOf, type Owner, type Work } from './helper-objects.ts';
import type { LiveAccess } from '../live-access.ts';

interface Call {
  readonly signal: AbortSignal;
}

export function findPod(live: LiveAccess, work: Work, owner: Owner, call: Call): Promise<Pod | undefined> {
  return find(live, pods, { work, owner }, call);
}

export function findClone(live: LiveAccess, owner: Owner, call: Call): Promise<Claim | undefined> {
  return find(live, claims, { work: 'clone', owner }, call);
}

/** @throws TemporaryError `NameTaken` where the name is somebody else's. */
async function find<T extends KubeObject>(
  live: LiveAccess,
  resource: Resource<T>,
  { work, owner }: { readonly work: Work | 'clone'; readonly owner: Owner },
  { signal }: Call,
): Promise<T | undefined> {
  const name = helperName(work, owner.key);
  const object = await live.get(resource, { namespace: owner.namespace, name }, { signal });
  if (object === undefined || isHelperOf(object, work, owner)) return object;
  const what = `${resource.kind} ${owner.namespace}/${name}`;
  throw new TemporaryError(
    `${what} exists and was not made for this snapshot; it is left alone. Remove it to go on.`,
    60_000,
    { reason: 'NameTaken' },
  );
}

export interface Refused {
  readonly type: 'refused';
  readonly reason: string;
  readonly message: string;
}
export type Made = { readonly type: 'made' } | Refused;

/** `exists` is success, too: who looks next finds it, or that it is somebody else's. */
export async function make(live: LiveAccess, resource: Resource, object: NewObject, { signal }: Call): Promise<Made> {
  const written = await live.create(resource, object, { signal });
  switch (written.type) {
    case 'done':
    case 'exists':
      return { type: 'made' };
    case 'refused':
      return written;
    default:
      return {
        type: 'refused',
        reason: 'Forbidden',
        message: `${resource.kind} ${object.metadata.name} cannot be made (${written.type})`,
      };
  }
}

/** @throws TemporaryError in the API server's words where it refuses the pod. */
export async function makePod(live: LiveAccess, pod: NewObject, call: Call): Promise<void> {
  const made = await make(live, pods, pod, call);
  if (made.type === 'refused') throw refusedPod(pod, made);
}

export function refusedPod({ metadata }: NewObject, { reason, message }: Refused): TemporaryError {
  return new TemporaryError(`pod ${metadata.name} cannot be made: ${message}`, 30_000, { reason });
}

export async function remove(
  live: LiveAccess,
  resource: Resource,
  object: KubeObject | undefined,
  { signal }: Call,
): Promise<void> {
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
  const { name, namespace, uid } = object.metadata;
  await live.delete(resource, { name, namespace }, { uid, signal });
}

/**
 * Removes what the work of a capture needed, those of other kinds of work only where they are named.
 *
 * @returns whether all of it is gone.
 */
export async function removeHelpers(
  live: LiveAccess,
  owner: Owner,
  works: readonly (Work | 'clone')[],
  call: Call,
): Promise<boolean> {
  const left = await Promise.all(
    works.map(async (work) => {
      const resource: Resource = work === 'clone' ? claims : pods;
      const key = { namespace: owner.namespace, name: helperName(work, owner.key) };
      const object = await live.get(resource, key, { signal: call.signal });
      const own = object !== undefined && isHelperOf(object, work, owner);
      if (own) await remove(live, resource, object, call);
      return own;
    }),
  );
  return !left.includes(true);
}
