import { describe, expect, test } from '@jest/globals';
import { aBoundPrime, aPopulation, aPrime, UID } from '../../test/support/objects.ts';
import type { NewObject } from '../api/objects.ts';
import type { PodSettings } from '../api/pod-settings.ts';
import type { PodTemplate } from '../sdk/index.ts';
import { STOP_SECONDS } from '../plugins/download-and-extract/task.ts';
import { GRACE_SECONDS, settingsOf } from '../pods/index.ts';
import { buildPod, type PodInputs } from './pod-spec.ts';

interface PodSpec {
  readonly spec: {
    readonly containers: readonly Record<string, unknown>[];
    readonly securityContext: Record<string, unknown>;
    readonly volumes: readonly Record<string, unknown>[];
    readonly [field: string]: unknown;
  };
}

function pod(
  template: PodTemplate,
  prime = aBoundPrime,
  operator: PodSettings = {},
  more: Partial<PodInputs> = {},
): NewObject & PodSpec {
  const built = buildPod({
    template,
    settings: settingsOf({ ...podPluginOf(), pod: () => template }, { all: operator }, template),
    claimUid: UID,
    attempt: 3,
    population: aPopulation(),
    prime,
    image: 'populator:1',
    imagePullPolicy: 'Never',
    targetState: 'new',
    examinesVolume: true,
    ...more,
  });
  return built as NewObject & PodSpec;
}

function podPluginOf() {
  return { name: 'p', source: { group: 'g', version: 'v1', kind: 'K' }, schema: { parse: (spec: unknown) => spec } };
}

const inPopulators = { ...aBoundPrime, metadata: { ...aBoundPrime.metadata, namespace: 'populators' } };

/** Every field that the operator's settings have, so that one that is forgotten in the pod is noticed. */
const everything: Required<PodSettings> = {
  resources: { requests: { cpu: '1' }, limits: { cpu: null, 'example.com/gpu': '1' } },
  securityProfile: 'privileged-data',
  nodeSelector: { disk: 'fast' },
  tolerations: [{ key: 'storage', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  imagePullSecrets: [{ name: 'registry' }],
  env: { LEVEL: '$(HOME)' },
  volumes: [{ name: 'extra', configMap: { name: 'extra' } }],
  volumeMounts: [{ name: 'extra', mountPath: '/extra', readOnly: true }],
  labels: { team: 'storage' },
  annotations: { note: 'x' },
  priorityClassName: 'low',
  runtimeClassName: 'kata',
  activeDeadlineSeconds: 172_800,
  serviceAccountName: 'populator',
  automountServiceAccountToken: true,
  proxy: { http: 'http://proxy:3128', none: '.svc' },
  caBundle: { configMap: 'trust', key: 'bundle.pem' },
  allowedAddresses: ['10.20.0.0/16', 'fd12::/16'],
};

describe('the populator pod', () => {
  test('has everything that the settings say', () => {
    const { spec, metadata } = pod({}, aBoundPrime, everything);
    expect(metadata).toMatchObject({ labels: { team: 'storage' }, annotations: { note: 'x' } });
    expect(spec).toMatchObject({
      nodeSelector: { disk: 'fast' },
      tolerations: [{ key: 'storage', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      imagePullSecrets: [{ name: 'registry' }],
      priorityClassName: 'low',
      runtimeClassName: 'kata',
      serviceAccountName: 'populator',
      automountServiceAccountToken: true,
      securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec.containers[0]).toMatchObject({
      resources: {
        requests: { cpu: '1', memory: '96Mi' },
        limits: { memory: '512Mi', 'example.com/gpu': '1' },
      },
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETFCAP'] },
      },
      env: [
        { name: 'HTTP_PROXY', value: 'http://proxy:3128' },
        { name: 'http_proxy', value: 'http://proxy:3128' },
        { name: 'NO_PROXY', value: '.svc' },
        { name: 'no_proxy', value: '.svc' },
        { name: 'NODE_EXTRA_CA_CERTS', value: '/var/run/volprime/ca/ca.crt' },
        { name: 'LEVEL', value: '$$(HOME)' },
        { name: 'VOLPRIME_TARGET', value: 'new' },
      ],
    });
    expect(spec.containers[0]?.['resources']).not.toHaveProperty('limits.cpu');
    expect(spec.volumes).toContainEqual({ name: 'extra', configMap: { name: 'extra' } });
    expect(spec.volumes).toContainEqual({
      name: 'ca-bundle',
      configMap: { name: 'trust', optional: true, items: [{ key: 'bundle.pem', path: 'ca.crt' }] },
    });
    expect(spec.containers[0]?.['volumeMounts']).toEqual([
      { name: 'target', mountPath: '/target' },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'ca-bundle', mountPath: '/var/run/volprime/ca', readOnly: true },
      { name: 'extra', mountPath: '/extra', readOnly: true },
    ]);
  });

  test('ends at its deadline: a day, or as the operator says', () => {
    expect(pod({}).spec).toMatchObject({ activeDeadlineSeconds: 86_400, terminationGracePeriodSeconds: 10 });
    expect(pod({}, aBoundPrime, { activeDeadlineSeconds: 60 }).spec).toMatchObject({ activeDeadlineSeconds: 60 });
    expect(STOP_SECONDS).toBeLessThan(GRACE_SECONDS);
  });

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

  test('tells its container what is known of the volume, and no setting overrides that', () => {
    const { spec } = pod({ env: { VOLPRIME_TARGET: 'was-empty' } }, aBoundPrime, {}, { targetState: 'new' });
    const told = [spec.containers[0]?.['env']].flat().filter((it) => JSON.stringify(it).includes('VOLPRIME_TARGET'));
    expect(told).toEqual([{ name: 'VOLPRIME_TARGET', value: 'new' }]);
  });

  test('looks into the volume first where its container does not: read-only, restricted, by the populator image', () => {
    const { spec } = pod({ image: 'own:1' }, aBoundPrime, {}, { examinesVolume: false });
    expect(spec['initContainers']).toEqual([
      expect.objectContaining({
        name: 'inspector',
        image: 'populator:1',
        securityContext: expect.objectContaining({ readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }),
        volumeMounts: [{ name: 'target', mountPath: '/target', readOnly: true }],
        env: [
          { name: 'VOLPRIME_TASK', value: '{"version":1,"plugin":"inspect","path":"/target"}' },
          { name: 'VOLPRIME_TARGET', value: 'new' },
        ],
      }),
    ]);
  });

  test.each<[string, Partial<PodInputs>]>([
    ['its container looks itself', { examinesVolume: true }],
    ['the volume was empty', { examinesVolume: false, targetState: 'was-empty' }],
    ['the volume is a device', { examinesVolume: false, prime: aPrime({ spec: { volumeMode: 'Block' } }) }],
  ])('has nobody else look where %s', (_why, more) => {
    expect(pod({}, aBoundPrime, {}, more).spec).not.toHaveProperty('initContainers');
  });

  test("takes a tenant's text literally, where Kubernetes would expand it", () => {
    const { spec } = pod({ args: ['$(HOME)', 'a$$b'], env: { TEXT: '$(SECRET)$' } });
    expect(spec.containers[0]).toMatchObject({
      args: ['$$(HOME)', 'a$$$$b'],
      env: expect.arrayContaining([{ name: 'TEXT', value: '$$(SECRET)$$' }]),
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

  test('mounts ConfigMaps as files, read-only', () => {
    const { spec } = pod({ configMaps: [{ name: 'company-ca', mountPath: '/ca' }] });
    expect(spec.volumes).toContainEqual({ name: 'config-map-0', configMap: { name: 'company-ca' } });
    expect(spec.containers[0]?.['volumeMounts']).toContainEqual({
      name: 'config-map-0',
      mountPath: '/ca',
      readOnly: true,
    });
  });

  test.each<[string, PodTemplate, string]>([
    ['Secrets', { secrets: [{ name: 'login', mountPath: '/x' }] }, 'SecretAcrossNamespaces'],
    ['ConfigMaps', { configMaps: [{ name: 'ca', mountPath: '/x' }] }, 'ConfigMapAcrossNamespaces'],
  ])('mounts no %s of the populator namespace, where the name would find those of others', (_kind, template, code) => {
    expect(() => pod(template, inPopulators)).toThrow(expect.objectContaining({ code }));
  });

  test('may dial public addresses alone in the populator namespace, and what the operator adds', () => {
    const variables = (prime = aBoundPrime, settings: PodSettings = {}) =>
      pod({ env: { VOLPRIME_TASK: 'x' } }, prime, settings).spec.containers[0]?.['env'];
    const task = { name: 'VOLPRIME_TASK', value: 'x' };
    const target = { name: 'VOLPRIME_TARGET', value: 'new' };
    const only = { name: 'VOLPRIME_ADDRESSES', value: 'public' };
    expect(variables(inPopulators)).toEqual([task, target, only]);
    expect(variables(inPopulators, { allowedAddresses: ['10.20.0.0/16', 'fd12::/16'] })).toEqual([
      task,
      target,
      only,
      { name: 'VOLPRIME_ALLOWED_ADDRESSES', value: '10.20.0.0/16,fd12::/16' },
    ]);
    expect(variables(aBoundPrime, { allowedAddresses: ['10.20.0.0/16'] })).toEqual([task, target]);
  });

  test('mounts a Secret that the operator put into the populator namespace', () => {
    const prime = inPopulators;
    const secrets = [{ name: 'app.repository', mountPath: '/x', ofOperator: true }];
    expect(pod({ secrets }, prime).spec.volumes).toContainEqual(
      expect.objectContaining({ secret: expect.objectContaining({ secretName: 'app.repository' }) }),
    );
  });

  test('mounts more claims, read-only unless told, and devices where they are', () => {
    const claims = [
      { name: 'files', mountPath: '/source' },
      { name: 'disk', mountPath: '/dev/source', volumeMode: 'Block' },
      { name: 'repository', mountPath: '/repository', writable: true },
    ] as const;
    const { spec } = pod({ claims });
    expect(spec.volumes).toEqual(
      expect.arrayContaining([
        { name: 'claim-0', persistentVolumeClaim: { claimName: 'files', readOnly: true } },
        { name: 'claim-1', persistentVolumeClaim: { claimName: 'disk', readOnly: true } },
        { name: 'claim-2', persistentVolumeClaim: { claimName: 'repository', readOnly: false } },
      ]),
    );
    const [container] = spec.containers;
    expect(container?.['volumeMounts']).toEqual(
      expect.arrayContaining([
        { name: 'claim-0', mountPath: '/source', readOnly: true },
        { name: 'claim-2', mountPath: '/repository', readOnly: false },
      ]),
    );
    expect(container?.['volumeDevices']).toEqual([{ name: 'claim-1', devicePath: '/dev/source' }]);
  });

  test('runs the configured image with its pull policy unless the plugin names another', () => {
    expect(pod({}).spec.containers[0]).toMatchObject({ image: 'populator:1', imagePullPolicy: 'Never' });
    const own = pod({ image: 'own:1' }).spec.containers[0];
    expect(own).toMatchObject({ image: 'own:1' });
    expect(own).not.toHaveProperty('imagePullPolicy');
  });

  test('is not made with a variable that Linux starts no process with', () => {
    expect(() => pod({ env: { LIST: 'x'.repeat(131_072) } })).toThrow(
      'variable LIST of the populator pod has 131078 bytes',
    );
  });
});
