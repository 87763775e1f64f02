/** What must be true before anything is made for a claim. Each gate is one sentence to the user. */
import type { Waiting } from './action.ts';
import { ANNOTATION_PROVISIONER, ANNOTATION_PROVISIONER_BETA } from '../api/names.ts';
import { populations } from '../api/population.ts';
import { classProblem } from './class-parameters.ts';
import { isProtected, recordedTarget, selectedNode } from './facts.ts';
import { jsonBytes, MAX_SOURCE_BYTES } from '../api/source-size.ts';
import type { Observation } from './observation.ts';
import { wrapperProblem } from './wrapper.ts';

/** The first gate that is closed, or undefined. Once the source is pinned, its presence no longer matters. */
export function gate(o: Observation, pinned: boolean, now: number): Waiting | undefined {
  if (o.foreign !== undefined && isProvenForeign(o)) return nameTaken(o);
  if (o.prime !== undefined) return undefined;
  return access(o) ?? storageClass(o) ?? (pinned ? undefined : source(o)) ?? consumer(o) ?? firstLook(o, now);
}

function blocked(reason: string, message: string): Waiting {
  return { reason, message, mood: 'blocked' };
}

/** Caches of different kinds are not in step: a prime may be seen before the record that proves it ours. Making the record finds out. */
function isProvenForeign({ foreign, population }: Observation): boolean {
  return population !== undefined || foreign?.kind === populations.kind;
}

function nameTaken(o: Observation): Waiting {
  const it = `${o.foreign?.kind} ${o.foreign?.namespace}/${o.foreign?.name}`;
  return blocked(
    'NameTaken',
    `${it} exists and was not made by Volprime for this claim; it is left alone. Remove it to go on.`,
  );
}

/** Whether the source exists is told to those only who may use it. */
export function access({ access, claim }: Observation): Waiting | undefined {
  if (access === 'own' || access === 'granted') return undefined;
  const { kind, namespace } = claim?.spec.dataSourceRef ?? {};
  if (access === 'disabled') {
    return blocked(
      'CrossNamespaceNotSupported',
      'spec.dataSourceRef.namespace names another namespace; sources must be in the namespace of the claim, unless a plugin populates from them and the controller runs with --cross-namespace',
    );
  }
  return blocked(
    'ReferenceNotGranted',
    `no ReferenceGrant in namespace ${namespace} lets claims of namespace ${claim?.metadata.namespace} use this ${kind}; waiting for one`,
  );
}

function storageClass(o: Observation): Waiting | undefined {
  const name = o.claim?.spec.storageClassName;
  if (name === undefined)
    return blocked(
      'NoStorageClass',
      'spec.storageClassName is not set and the cluster has no default class; waiting for one',
    );
  if (name === '')
    return blocked(
      'StaticVolumesOnly',
      'spec.storageClassName is "": volumes cannot be provisioned for this claim. Name a class that provisions.',
    );
  const recorded = recordedTarget(o.population);
  const problem =
    recorded === undefined && o.wrapper !== undefined ? wrapperProblem(o.wrapper, o.storageClass) : undefined;
  if (problem !== undefined) return blocked(problem.reason, problem.message);
  if (recorded !== undefined && o.storageClass === undefined)
    return blocked(
      'TargetClassNotFound',
      `StorageClass ${recorded.storageClass}, in which the volume was begun, does not exist any more; waiting for it`,
    );
  if (o.storageClass === undefined)
    return blocked('StorageClassNotFound', `StorageClass ${name} does not exist; waiting for it`);
  if (o.storageClass.provisioner.startsWith('kubernetes.io/')) {
    return blocked(
      'ProvisionerNotSupported',
      `StorageClass ${o.storageClass.metadata.name} uses the in-tree provisioner ${o.storageClass.provisioner}, which cannot populate volumes; use a CSI class`,
    );
  }
  const objection = o.claim && classProblem(o.storageClass, { claim: o.claim, home: o.home });
  return objection === undefined ? undefined : blocked(objection.reason, objection.message);
}

/** Whether the source as it stands now can be pinned. */
export function source(o: Observation): Waiting | undefined {
  const ref = o.claim?.spec.dataSourceRef;
  if (o.source !== undefined && jsonBytes(o.source.spec) <= MAX_SOURCE_BYTES) return undefined;
  if (o.source !== undefined)
    return blocked(
      'SourceTooLarge',
      `the spec of ${ref?.kind} ${ref?.name} is larger than ${MAX_SOURCE_BYTES / 1024} KiB; make it smaller, and the claim goes on`,
    );
  return blocked(
    'PopulatorDataSourceNotFound',
    `${ref?.kind} ${ref?.name} does not exist in namespace ${ref?.namespace ?? o.claim?.metadata.namespace}; waiting for it`,
  );
}

function consumer(o: Observation): Waiting | undefined {
  const own = o.wrapper ?? o.storageClass;
  if (o.claim === undefined || own?.volumeBindingMode !== 'WaitForFirstConsumer') return undefined;
  if (selectedNode(o.claim) !== undefined) return undefined;
  return {
    reason: 'WaitingForFirstConsumer',
    message: `StorageClass ${own.metadata.name} binds when a pod that uses the claim is scheduled`,
    mood: 'healthy',
  };
}

/** Both names that the PV controller writes when it has seen a claim of an external provisioner. */
const NOTED = [ANNOTATION_PROVISIONER, ANNOTATION_PROVISIONER_BETA];
/** creationTimestamp has whole seconds: between one and two seconds of patience. */
const PATIENCE_MS = 2_000;

/**
 * Lets the PV controller write its note on a new claim first, usually within milliseconds. If our finalizer comes in between, its write fails and the
 * user reads a Warning `ProvisioningFailed` that means nothing.
 */
function firstLook({ claim, storageClass, wrapper }: Observation, now: number): Waiting | undefined {
  const own = wrapper ?? storageClass;
  if (claim === undefined || isProtected(claim) || own?.volumeBindingMode !== 'Immediate') return undefined;
  const until = Date.parse(claim.metadata.creationTimestamp) + PATIENCE_MS;
  if (until <= now || NOTED.some((name) => claim.metadata.annotations?.[name] !== undefined)) return undefined;
  return {
    reason: 'Provisioning',
    message: 'waiting for the PV controller to take note of the claim',
    mood: 'routine',
    until,
  };
}
