/** Names of objects, and the one-string form in which queues and indexes hold them: `namespace/name`, or `name` alone. */
import type { KubeObject } from '../api/objects.ts';
import type { ObjectKey } from './kube-client.ts';

export function keyOf(object: KubeObject): ObjectKey {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

export function formatKey(key: ObjectKey): string {
  return key.namespace === undefined ? key.name : `${key.namespace}/${key.name}`;
}

/** Reverses `formatKey`; neither names nor namespaces can hold a slash. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
