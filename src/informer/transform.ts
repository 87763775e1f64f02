/** What is done to an object before it is kept. */
import type { KubeObject, ManagedFields } from '../api/objects.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** What is kept of an object's `managedFields`. */
export type KeptManagers = (entries: readonly ManagedFields[]) => readonly ManagedFields[];

const none: KeptManagers = () => [];

/** Bookkeeping of the API server and kubectl, easily half of an object's size, and read by nobody here but for what is `kept`. */
export function withoutBookkeeping<T extends KubeObject>(object: T, kept: KeptManagers = none): T {
  const meta: T['metadata'] = object.metadata;
  const hasLastApplied = meta.annotations?.[lastApplied] !== undefined;
  if (meta.managedFields === undefined && !hasLastApplied) return object;
  const { managedFields = [], ...rest } = meta;
  const managers = kept(managedFields);
  const metadata = { ...rest, ...(managers.length > 0 && { managedFields: managers }) };
  if (!hasLastApplied) return { ...object, metadata };
  const { [lastApplied]: _, ...annotations } = meta.annotations;
  return { ...object, metadata: { ...metadata, annotations } };
}

/** For tests and development: who changes a shared object is found at once. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
