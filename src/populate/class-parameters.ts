/**
 * What the parameters of a class read of the claim. A provisioner sees the temporary claim in place of the user's: another name, no labels,
 * and for a source of another namespace another namespace. Pure.
 *
 * Known templates: `${pvc.name}`, `${pvc.annotations['key']}` (external-provisioner, for Secrets), `${pvc.metadata.name}` (csi-driver-nfs,
 * csi-driver-smb), `${.PVC.annotations.key}` (nfs-subdir-external-provisioner, JuiceFS, EFS), `{{ .PVC.Name }}` and
 * `{{ index .PVC.Annotations "key" }}` (local-path-provisioner).
 */
import { ANNOTATION_ACCEPT_PRIME_NAME, ANNOTATION_COPY_ANNOTATIONS } from '../api/names.ts';
import type { Claim, StorageClass } from '../api/objects.ts';
import type { Reason } from '../api/reasons.ts';
import { mayHoldContent } from './volume-content.ts';

export interface ClassProblem {
  readonly reason: Extract<Reason, 'ClassReadsClaim' | 'ClassSharesDirectory'>;
  readonly message: string;
}

/** One template in a parameter. `field` in lower case; `key` of annotations and labels. */
interface Template {
  readonly text: string;
  readonly of: 'claim' | 'volume' | 'other';
  readonly field: string;
  readonly key: string | undefined;
}

const TEMPLATE = /\$\{([^}]*)\}|\{\{(.*?)\}\}/gs;
const OF_CLAIM = /(?:^|[\s.(])pvc\.(?:metadata\.)?([a-z]+)(.*)$/is;
const OF_VOLUME = /(?:^|[\s.(])pv(?:name\b|\.)/i;

/** Templates of one parameter, in order. */
export function templatesOf(value: string): readonly Template[] {
  return [...value.matchAll(TEMPLATE)].map(([text, dollar, braces]) => {
    const inside = (dollar ?? braces ?? '').trim();
    const [, field = '', rest = ''] = OF_CLAIM.exec(inside) ?? [];
    if (field !== '') return { text, of: 'claim', field: field.toLowerCase(), key: keyIn(rest) };
    return { text, of: OF_VOLUME.test(inside) ? 'volume' : 'other', field: '', key: undefined };
  });
}

/** `['key']`, ` "key"` or `.key`, which has dots of its own. */
function keyIn(rest: string): string | undefined {
  const quoted = /["'`]([^"'`]+)["'`]/.exec(rest)?.[1];
  const plain = /^\.(\S+)/.exec(rest)?.[1];
  return quoted ?? plain;
}

export interface Standing {
  readonly claim: Claim;
  /** Namespace of the temporary claim. */
  readonly home: string;
}

/** The first thing for which no volume of this class may be made for the claim, or undefined. */
export function classProblem(storageClass: StorageClass, standing: Standing): ClassProblem | undefined {
  const parameters = Object.entries(storageClass.parameters ?? {});
  for (const [name, value] of parameters) {
    for (const template of templatesOf(value)) {
      const objection = template.of === 'claim' ? objectionTo(template, storageClass, standing) : undefined;
      if (objection !== undefined)
        return {
          reason: 'ClassReadsClaim',
          message: `StorageClass ${storageClass.metadata.name} reads ${template.text} in its parameter ${name}, and ${objection}`,
        };
    }
  }
  if (mayHoldContent(storageClass)) return undefined;
  const shared = parameters.find(([name, value]) => sharesDirectory(storageClass, name, value));
  if (shared === undefined) return undefined;
  const message =
    `parameter ${shared[0]} of StorageClass ${storageClass.metadata.name} (${JSON.stringify(shared[1])}) gives one directory to many volumes, ` +
    'and what is in it would be removed or replaced; let it name the volume, or annotate the StorageClass with volprime.dev/volumes-may-hold-content=true';
  return { reason: 'ClassSharesDirectory', message };
}

function objectionTo({ field, key }: Template, { metadata }: StorageClass, { claim, home }: Standing) {
  if (home !== claim.metadata.namespace)
    return `the provisioner would read it of the temporary claim in namespace ${home}; use a class without it for sources of other namespaces`;
  if (field === 'namespace') return undefined;
  if (field === 'annotations' && key !== undefined) {
    if (!copiedKeys(metadata.annotations).includes(key))
      return `the temporary claim has no annotation ${key}; annotate the StorageClass with ${ANNOTATION_COPY_ANNOTATIONS}=${key} to have it copied from the claim`;
    return (claim.metadata.annotations?.[key] ?? '') === ''
      ? `the claim has no annotation ${key}; add it, the claim goes on by itself`
      : undefined;
  }
  if ((field === 'name' || field === 'labels') && metadata.annotations?.[ANNOTATION_ACCEPT_PRIME_NAME] === 'true')
    return undefined;
  return `the provisioner would read it of the temporary claim volprime-${claim.metadata.uid}, which has another name and no labels of yours; use annotations or the volume's name instead, or annotate the StorageClass with ${ANNOTATION_ACCEPT_PRIME_NAME}=true if the other name does no harm`;
}

/** Parameters that name a directory, share or container; undefined where every provisioner means that by it. */
const DIRECTORY_PARAMETERS: Readonly<Record<string, string | undefined>> = {
  pathpattern: undefined,
  subdir: undefined,
  subpathpattern: 'efs.csi.aws.com',
  sharename: 'file.csi.azure.com',
  containername: 'blob.csi.azure.com',
};

/** Nothing in the value differs from volume to volume. */
function sharesDirectory({ provisioner, parameters }: StorageClass, name: string, value: string): boolean {
  const parameter = name.toLowerCase();
  if (!Object.hasOwn(DIRECTORY_PARAMETERS, parameter) || value.trim() === '') return false;
  const only = DIRECTORY_PARAMETERS[parameter];
  if (only !== undefined && only !== provisioner) return false;
  if (parameter === 'subpathpattern' && parameters?.['ensureUniqueDirectory'] !== 'false') return false;
  return templatesOf(value).every(({ of, field }) => of === 'claim' && (field === 'namespace' || field === 'labels'));
}

function copiedKeys(annotations: Readonly<Record<string, string>> = {}): string[] {
  return (annotations[ANNOTATION_COPY_ANNOTATIONS] ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '' && !isReserved(key));
}

/** Annotations that Volprime or Kubernetes act on. */
function isReserved(key: string): boolean {
  const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  return ['volprime.dev', 'kubernetes.io', 'k8s.io'].some((name) => domain === name || domain.endsWith(`.${name}`));
}

/** Those annotations of the claim that the operator lets its class read. */
export function copiedAnnotations(claim: Claim, storageClass: StorageClass | undefined): Record<string, string> {
  const copied = copiedKeys(storageClass?.metadata.annotations).flatMap((key) => {
    const value = claim.metadata.annotations?.[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(copied);
}
