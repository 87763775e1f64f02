/** Where resources and objects live under the API server's root. */
import type { Resource } from '../api/resources.ts';

/** `persistentvolumeclaims`, or `leases.coordination.k8s.io`: how RBAC, kubectl and metrics name a resource. */
export function resourceName(resource: Pick<Resource, 'group' | 'plural'>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

export function groupVersionPath(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
}

/** All objects of a resource, or those of one namespace. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupVersionPath(resource)}${scope}/${resource.plural}`;
}

export interface ObjectPathParts {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly subresource?: string | undefined;
}

export function objectPath(resource: Resource, { name, namespace, subresource }: ObjectPathParts): string {
  if (resource.namespaced && namespace === undefined)
    throw new TypeError(`${resourceName(resource)} "${name}" without a namespace`);
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Undefined members are left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
}
