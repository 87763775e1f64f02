/**
 * Wrapper classes: a StorageClass whose provisioner is ours and whose parameter `targetClass` names the class that makes the volumes.
 * For provisioners that ignore data sources: nobody but us acts on a claim of such a class. All pure.
 */
import * as z from 'zod';
import { WRAPPER_PROVISIONER } from '../api/names.ts';
import type { StorageClass } from '../api/objects.ts';
import type { TargetClass } from '../api/population.ts';
import type { Reason } from '../api/reasons.ts';

/** Parameters of a wrapper class; every other name is a mistake and is told as one. */
export const wrapperParameters = z.strictObject({
  targetClass: z.string().min(1),
  /** Which of the two classes the volume ends with. */
  volumeClass: z.enum(['claim', 'target']).default('claim'),
});

/** What a user or the author of the class has to read. */
export interface WrapperProblem {
  readonly reason: Extract<Reason, 'WrapperClassInvalid' | 'TargetClassNotFound'>;
  readonly message: string;
}

export function isWrapper(storageClass: StorageClass | undefined): storageClass is StorageClass {
  return storageClass?.provisioner === WRAPPER_PROVISIONER;
}

/** Name of the class that makes the volumes; undefined where the wrapper's parameters cannot be read. */
export function targetName(wrapper: StorageClass): string | undefined {
  return wrapperParameters.safeParse(wrapper.parameters ?? {}).data?.targetClass;
}

/** The class of that name and every wrapper over it: whom a change of that class concerns. */
export function withWrappers(classes: readonly StorageClass[], name: string): string[] {
  const wrappers = classes.filter((found) => isWrapper(found) && targetName(found) === name);
  return [name, ...wrappers.map(({ metadata }) => metadata.name)];
}

/** The first thing for which no claim of this class can have a volume, or undefined. `target` is the class that it names. */
export function wrapperProblem(wrapper: StorageClass, target: StorageClass | undefined): WrapperProblem | undefined {
  const { name } = wrapper.metadata;
  const parsed = wrapperParameters.safeParse(wrapper.parameters ?? {});
  if (!parsed.success) return invalid(`StorageClass ${name}: ${parsed.error.issues.map(parameterIssue).join('; ')}`);
  const { targetClass } = parsed.data;
  if (target === undefined)
    return {
      reason: 'TargetClassNotFound',
      message: `StorageClass ${targetClass}, which StorageClass ${name} names as its targetClass, does not exist; waiting for it`,
    };
  if (isWrapper(target))
    return invalid(
      `StorageClass ${name}: its targetClass ${targetClass} is a wrapper itself; name a class whose provisioner makes volumes`,
    );
  if (bindingMode(wrapper) === 'Immediate' && bindingMode(target) === 'WaitForFirstConsumer')
    return invalid(
      `StorageClass ${name} has volumeBindingMode Immediate, but its targetClass ${targetClass} waits for a node that nobody would choose; ` +
        `give ${name} volumeBindingMode WaitForFirstConsumer`,
    );
  return undefined;
}

/** What claims of a usable wrapper get, to be recorded before anything is made. */
export function targetOf(wrapper: StorageClass, target: StorageClass): TargetClass {
  const { volumeClass } = wrapperParameters.parse(wrapper.parameters ?? {});
  const last = volumeClass === 'claim' ? wrapper : target;
  return {
    storageClass: target.metadata.name,
    volumeClass: last.metadata.name,
    reclaimPolicy: last.reclaimPolicy ?? 'Delete',
  };
}

/** Where the wrapper says something else than its target, and what that means. It works nonetheless. */
export function mismatches(wrapper: StorageClass, target: StorageClass): readonly string[] {
  const told: string[] = [];
  const tell = (field: string, ours: string, theirs: string, meaning: string) => {
    if (ours !== theirs) told.push(`${field} is ${ours}, that of ${target.metadata.name} is ${theirs}: ${meaning}`);
  };
  tell(
    'volumeBindingMode',
    bindingMode(wrapper),
    bindingMode(target),
    'the volume may be made where the pod that waits for it cannot run',
  );
  const final = wrapper.parameters?.['volumeClass'] === 'target' ? target : wrapper;
  tell(
    'reclaimPolicy',
    wrapper.reclaimPolicy ?? 'Delete',
    target.reclaimPolicy ?? 'Delete',
    `volumes get that of ${final.metadata.name}`,
  );
  tell(
    'allowVolumeExpansion',
    String(wrapper.allowVolumeExpansion ?? false),
    String(target.allowVolumeExpansion ?? false),
    'whether a claim may grow is asked of the wrapper, whether it does depends on the target',
  );
  tell(
    'allowedTopologies',
    JSON.stringify(wrapper.allowedTopologies ?? []),
    JSON.stringify(target.allowedTopologies ?? []),
    'the scheduler reads those of the wrapper only and may choose a node that the target refuses',
  );
  return told;
}

function invalid(message: string): WrapperProblem {
  return { reason: 'WrapperClassInvalid', message };
}

function parameterIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `parameters ${issue.keys.join(', ')} are not known; there are targetClass and volumeClass`;
  const [field] = issue.path;
  return field === 'targetClass'
    ? 'parameters.targetClass is missing; it names the class that makes the volumes'
    : `parameters.${String(field)} must be claim or target`;
}

function bindingMode(storageClass: StorageClass): string {
  return storageClass.volumeBindingMode ?? 'Immediate';
}
