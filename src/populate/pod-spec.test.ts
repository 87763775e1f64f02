import { describe, expect, test } from '@jest/globals';
import { aBoundPrime, aPopulation, aPrime, UID } from '../../test/support/objects.ts';
import type { NewObject } from '../api/objects.ts';
import type { PodTemplate } from '../sdk/index.ts';
import { buildPod } from './pod-spec.ts';

interface PodSpec {
  readonly spec: {
    readonly containers: readonly Record<string, unknown>[];
    readonly securityContext: Record<string, unknown>;
    readonly volumes: readonly Record<string, unknown>[];
    readonly [field: string]: unknown;
  };
}

function pod(template: PodTemplate, prime = aBoundPrime): NewObject & PodSpec {
  const built = buildPod({
    template,
    claimUid: UID,
    attempt: 3,
    population: aPopulation(),
    prime,
    image: 'populator:1',
    imagePullPolicy: 'Never',
  });
  return built as NewObject & PodSpec;
}

describe('the populator pod', () => {
  test('is admitted at Pod Security level restricted, has no token and never restarts', () => {
    const { spec } = pod({});
    expect(spec).toMatchObject({ restartPolicy: 'Never', automountServiceAccountToken: false });
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(spec.containers[0]?.['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(spec).not.toHaveProperty('nodeName');
    expect(spec).not.toHaveProperty('serviceAccountName');
  });

  test('is named for claim and attempt, and held by our finalizer', () => {
    expect(pod({}).metadata).toMatchObject({
      name: `volprime-${UID}-3`,
      namespace: 'app',
      finalizers: ['volprime.dev/protection'],
    });
  });

  test("takes a tenant's text literally, where Kubernetes would expand it", () => {
    const { spec } = pod({ args: ['$(HOME)', 'a$$b'], env: { TEXT: '$(SECRET)$' } });
    expect(spec.containers[0]).toMatchObject({
      args: ['$$(HOME)', 'a$$$$b'],
      env: [{ name: 'TEXT', value: '$$(SECRET)$$' }],
    });
  });

  test('sees a block volume as a device', () => {
    const [container] = pod({ mountPath: '/dev/target' }, aPrime({ spec: { volumeMode: 'Block' } })).spec.containers;
    expect(container).toMatchObject({ volumeDevices: [{ name: 'target', devicePath: '/dev/target' }] });
    expect(JSON.stringify(container?.['volumeMounts'])).not.toContain('/dev/target');
  });

  test('mounts Secrets as files, read-only', () => {
    const { spec } = pod({ secrets: [{ name: 'login', mountPath: '/secret' }] });
    expect(spec.volumes).toContainEqual({ name: 'secret-0', secret: { secretName: 'login', defaultMode: 0o440 } });
    expect(spec.containers[0]?.['volumeMounts']).toContainEqual({
      name: 'secret-0',
      mountPath: '/secret',
      readOnly: true,
    });
  });

  test('runs the configured image with its pull policy unless the plugin names another', () => {
    expect(pod({}).spec.containers[0]).toMatchObject({ image: 'populator:1', imagePullPolicy: 'Never' });
    const own = pod({ image: 'own:1' }).spec.containers[0];
    expect(own).toMatchObject({ image: 'own:1' });
    expect(own).not.toHaveProperty('imagePullPolicy');
  });
});
