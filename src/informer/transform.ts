/** What is done to an object before it is kept. */
import type { KubeObject } from '../api/objects.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Bookkeeping of the API server and kubectl, easily half of an object's size, and read by nobody here. */
export function withoutBookkeeping<T extends KubeObject>(object: T): T {
  const meta: T['metadata'] & { readonly managedFields?: unknown } = object.metadata;
  const hasLastApplied = meta.annotations?.[lastApplied] !== undefined;
  if (meta.managedFields === undefined && !hasLastApplied) return object;
  const { managedFields: _, ...metadata } = meta;
  if (!hasLastApplied) return { ...object, metadata };
  const { [lastApplied]: __, ...annotations } = meta.annotations;
  return { ...object, metadata: { ...metadata, annotations } };
}

/** For tests and development: who changes a shared object is found at once. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
