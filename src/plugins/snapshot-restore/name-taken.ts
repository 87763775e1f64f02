import type { KubeObject } from '../../api/objects.ts';
import type { NotPrepared } from '../../sdk/index.ts';
import { blocked } from './awaited.ts';

export function nameTaken({ kind, metadata: { namespace, name } }: KubeObject): NotPrepared {
  const it = `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
  return blocked(
    'NameTaken',
    `${it} exists and was not made by Volprime for this claim; it is left alone. Remove it to go on.`,
  );
}
