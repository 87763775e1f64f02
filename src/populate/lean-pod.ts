import type { Pod } from '../api/objects.ts';

/**
 * A pod as the cache keeps it: what is read of its spec, and no more. The task of a populator pod is up to 64 KiB, and who may make pods can put our
 * label on any of theirs. Pure.
 */
export function leanPod(pod: Pod): Pod {
  const { nodeName, containers, volumes, tolerations } = pod.spec;
  return {
    ...pod,
    spec: {
      ...(nodeName !== undefined && { nodeName }),
      ...(containers !== undefined && { containers: containers.map(({ name }) => ({ name })) }),
      ...(volumes !== undefined && { volumes }),
      ...(tolerations !== undefined && { tolerations }),
    },
  };
}
