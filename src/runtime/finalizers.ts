/**
 * Bodies of merge patches that add or take one finalizer. A merge patch replaces the whole list, so it carries the resourceVersion on
 * which the list was read: a finalizer that somebody added in between is a conflict, never lost.
 */
import type { KubeObject } from '../api/objects.ts';

export interface FinalizerPatch {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string; readonly finalizers: readonly string[] };
}

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** Undefined when it is there already. */
export function withFinalizer(object: KubeObject, finalizer: string): FinalizerPatch | undefined {
  if (hasFinalizer(object, finalizer)) return undefined;
  return patch(object, [...(object.metadata.finalizers ?? []), finalizer]);
}

/** Undefined when it is not there. */
export function withoutFinalizer(object: KubeObject, finalizer: string): FinalizerPatch | undefined {
  if (!hasFinalizer(object, finalizer)) return undefined;
  return patch(object, object.metadata.finalizers?.filter((name) => name !== finalizer) ?? []);
}

function patch(object: KubeObject, finalizers: readonly string[]): FinalizerPatch {
  const { uid, resourceVersion } = object.metadata;
  return { metadata: { uid, resourceVersion, finalizers } };
}
