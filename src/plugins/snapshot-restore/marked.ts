import type { KubeObject } from '../../api/objects.ts';
import type { Marks, NotPrepared } from '../../sdk/index.ts';
import { blocked } from './awaited.ts';

/** Made for this claim: a name alone proves nothing, and what is not ours is neither used nor removed. */
export function isMarked(object: KubeObject, { annotations }: Marks): boolean {
  const wanted = Object.entries(annotations);
  return wanted.length > 0 && wanted.every(([name, value]) => object.metadata.annotations?.[name] === value);
}

export function nameTaken({ kind, metadata: { namespace, name } }: KubeObject): NotPrepared {
  const it = `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
  return blocked(
    'NameTaken',
    `${it} exists and was not made by Volprime for this claim; it is left alone. Remove it to go on.`,
  );
}
