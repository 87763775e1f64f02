/** Which pods use a claim, and what follows for a pod that is to read it too. Pure. */
import type { Claim, Pod } from '../../api/objects.ts';
import type { PodSettings } from '../../api/pod-settings.ts';

/** Pods that are on a node, have not ended, and mount the claim; not those of this plugin. */
export function usersOf(claim: string, podsThere: readonly Pod[], isOwn: (pod: Pod) => boolean): Pod[] {
  return podsThere.filter(
    (pod) =>
      pod.spec.nodeName !== undefined &&
      pod.status?.phase !== 'Succeeded' &&
      pod.status?.phase !== 'Failed' &&
      !isOwn(pod) &&
      pod.spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim) === true,
  );
}

/** A second pod may not use the claim at all. */
export function isForOnePod({ spec }: Claim): boolean {
  return spec.accessModes?.every((mode) => mode === 'ReadWriteOncePod') === true && spec.accessModes.length > 0;
}

/** Only pods of one node may use the claim at a time. */
export function isForOneNode({ spec: { accessModes = [] } }: Claim): boolean {
  return !accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

/**
 * Settings of a pod that must go to the node where the volume is in use. By the scheduler, so that resources count; what the user's pod
 * tolerates is tolerated, and so is a node that is closed for others.
 */
export function besides(user: Pod, settings: PodSettings): PodSettings {
  const affinity = settings.affinity ?? {};
  const nodeAffinity = asObject(affinity['nodeAffinity']);
  const required = asObject(nodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']);
  const said = required['nodeSelectorTerms'];
  const terms: readonly unknown[] = Array.isArray(said) && said.length > 0 ? said : [{}];
  const here = { key: 'metadata.name', operator: 'In', values: [user.spec.nodeName] };
  const nodeSelectorTerms = terms.map((term) => ({ ...asObject(term), matchFields: [here] }));
  return {
    ...settings,
    affinity: {
      ...affinity,
      nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
    },
    tolerations: [
      ...(settings.tolerations ?? []),
      ...(user.spec.tolerations ?? []),
      { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
    ],
  };
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
