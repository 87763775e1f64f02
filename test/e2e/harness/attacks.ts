/** What a tenant with bad intentions makes, and what can be asked about his rights and his success. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { podName, populationName } from '../../../src/api/names.ts';
import type { KubeObject, NewObject } from '../../../src/api/objects.ts';
import type { Cluster } from './cluster.ts';

export interface Question {
  readonly verb: string;
  /** A resource, or a resource and its subresource: `pods/exec`. */
  readonly what: string;
  readonly user: string;
  /** Undefined: in all namespaces. */
  readonly namespace?: string;
}

export async function canI({ kubectl }: Cluster, { verb, what, user, namespace }: Question): Promise<boolean> {
  const where = namespace === undefined ? '--all-namespaces' : `--namespace=${namespace}`;
  const [resource = '', subresource] = what.split('/');
  const more = subresource === undefined ? [] : [`--subresource=${subresource}`];
  const question = ['auth', 'can-i', verb, resource, ...more, `--as=${user}`, where];
  // "no" comes with an exit code.
  const answer = await kubectl(question).catch(String);
  return answer.trim() === 'yes';
}

/** A container that prints what the source says and ends with the exit code that its file name tells. */
export function loudPlugin(directory: string, image: string): string {
  const definition = {
    name: 'loud',
    source: { group: 'text.example.com', version: 'v1', kind: 'TextFile', plural: 'textfiles' },
    maxAttempts: 1,
    pod: {
      image,
      command: ['sh', '-euc', 'echo "$CONTENT"; exit "${FILE_NAME#exit-}"'],
      env: { CONTENT: '$(spec.content)', FILE_NAME: '$(spec.fileName)' },
      mountPath: '/volume',
      resources: { requests: { cpu: '5m', memory: '8Mi' } },
    },
  };
  const file = join(directory, 'loud.yaml');
  writeFileSync(file, JSON.stringify(definition));
  return file;
}

/** As a record of this claim would be, but for its owner. */
export function aRecord(namespace: string, name: string, uid: string): NewObject {
  return {
    apiVersion: 'volprime.dev/v1alpha1',
    kind: 'Population',
    metadata: { name: populationName(uid), namespace },
    spec: { claim: { name, uid }, source: { group: 'provider.example.com', kind: 'Provider', name } },
  };
}

/** What a populator pod of the claim would be called, with a report of success. */
export function aPoser(namespace: string, uid: string, image: string): NewObject {
  const report = JSON.stringify({ outcome: 'succeeded', targets: [{ verification: 'checksum' }] });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(uid, 1),
      namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'volprime',
        'volprime.dev/claim-uid': uid,
        'volprime.dev/role': 'populator',
      },
      annotations: { 'volprime.dev/population-uid': 'guessed' },
    },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'populator',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', `echo '${report}' > /dev/termination-log`],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}

/** What the API server and the kubelet made of a populator pod. */
export interface RunningPod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly env: readonly { readonly name: string; readonly value: string }[] }[];
    readonly volumes: readonly object[];
  };
  readonly status: { readonly podIP: string };
}

/** The pod without its names and the data of its task. */
export function shapeOf({ metadata, spec }: RunningPod): unknown {
  const uid = metadata.labels?.['volprime.dev/claim-uid'] ?? '';
  const data = spec.containers.flatMap(({ env }) => env.map(({ value }) => JSON.stringify(value)));
  const text = JSON.stringify({ labels: metadata.labels, keys: Object.keys(metadata.annotations ?? {}), spec });
  return JSON.parse(data.reduce((shape, value) => shape.replace(value, '"data"'), text).replaceAll(uid, 'UID'));
}

/** Without what the kubelet keeps up to date. */
export function written({ metadata }: KubeObject) {
  const { uid, labels, annotations, finalizers, ownerReferences, deletionTimestamp } = metadata;
  return { uid, labels, annotations, finalizers, ownerReferences, deletionTimestamp };
}
