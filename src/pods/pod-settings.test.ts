import { describe, expect, test } from '@jest/globals';
import { type PodSettings, type PopulatorPodSettings, populatorPodSettingsSchema } from '../api/pod-settings.ts';
import { definePlugin, type PluginPodSettings, type PodTemplate } from '../sdk/index.ts';
import {
  admits,
  mergePodSettings,
  neededLevel,
  type OwnSettings,
  profileObjection,
  settingsOf,
  settingsProblems,
} from './pod-settings.ts';

function aPlugin(podSettings: PluginPodSettings = {}) {
  return definePlugin({
    name: 'fetch',
    source: { group: 'g', version: 'v1', kind: 'K' },
    schema: { parse: (spec) => spec },
    podSettings,
    pod: () => ({}),
  });
}

type Row = readonly [name: string, below: PodSettings, above: PodSettings, merged: PodSettings];

describe('the later of two layers wins', () => {
  const rows: readonly Row[] = [
    ['nothing over something', { priorityClassName: 'a' }, {}, { priorityClassName: 'a' }],
    ['a single value', { runtimeClassName: 'a' }, { runtimeClassName: 'b' }, { runtimeClassName: 'b' }],
    [
      'an affinity, whole',
      { affinity: { podAffinity: {} } },
      { affinity: { nodeAffinity: {} } },
      { affinity: { nodeAffinity: {} } },
    ],
    ['labels by key', { labels: { a: '1', b: '1' } }, { labels: { b: '2' } }, { labels: { a: '1', b: '2' } }],
    ['environment by name', { env: { A: '1', B: '1' } }, { env: { B: '2' } }, { env: { A: '1', B: '2' } }],
    [
      'the node selector by key',
      { nodeSelector: { a: '1' } },
      { nodeSelector: { b: '2' } },
      { nodeSelector: { a: '1', b: '2' } },
    ],
    [
      'proxies one by one',
      { proxy: { http: 'http://a' } },
      { proxy: { none: 'b' } },
      { proxy: { http: 'http://a', none: 'b' } },
    ],
    [
      'quantities by name, and null takes one away',
      { resources: { requests: { cpu: '1' }, limits: { cpu: '2', memory: '1Gi' } } },
      { resources: { limits: { cpu: null } } },
      { resources: { requests: { cpu: '1' }, limits: { cpu: null, memory: '1Gi' } } },
    ],
    [
      'tolerations add up',
      { tolerations: [{ key: 'a' }] },
      { tolerations: [{ key: 'b' }] },
      { tolerations: [{ key: 'a' }, { key: 'b' }] },
    ],
    [
      'allowed addresses add up',
      { allowedAddresses: ['10.0.0.0/8'] },
      { allowedAddresses: ['fd00::/8'] },
      { allowedAddresses: ['10.0.0.0/8', 'fd00::/8'] },
    ],
    [
      'pull secrets by name',
      { imagePullSecrets: [{ name: 'a' }] },
      { imagePullSecrets: [{ name: 'a' }, { name: 'b' }] },
      { imagePullSecrets: [{ name: 'a' }, { name: 'b' }] },
    ],
    [
      'volumes by name',
      { volumes: [{ name: 'a', emptyDir: {} }] },
      { volumes: [{ name: 'a', configMap: { name: 'x' } }] },
      { volumes: [{ name: 'a', configMap: { name: 'x' } }] },
    ],
    [
      'mounts by path',
      { volumeMounts: [{ name: 'a', mountPath: '/x' }] },
      { volumeMounts: [{ name: 'b', mountPath: '/x' }] },
      { volumeMounts: [{ name: 'b', mountPath: '/x' }] },
    ],
  ];
  test.each(rows)('%s', (_name, below, above, merged) => {
    expect(mergePodSettings(below, above)).toEqual(merged);
  });
});

describe('what a pod gets', () => {
  const cpu = (limit: string) => ({ resources: { limits: { cpu: limit } } });
  test.each<[string, PluginPodSettings, PodTemplate, PopulatorPodSettings, string]>([
    ['the plugin', cpu('1'), {}, {}, '1'],
    ['its template', cpu('1'), cpu('3'), {}, '3'],
    ['the operator for all', cpu('1'), cpu('3'), { all: cpu('4') }, '4'],
    ['the operator for the plugin', cpu('1'), cpu('3'), { all: cpu('4'), plugins: { fetch: cpu('5') } }, '5'],
    ['not the operator for another plugin', cpu('1'), {}, { plugins: { other: cpu('5') } }, '1'],
  ])('is said by %s', (_name, own, template, operator, limit) => {
    expect(settingsOf(aPlugin(own), operator, template).resources?.limits?.['cpu']).toBe(limit);
  });

  test('has requests and limits where nobody says anything', () => {
    expect(settingsOf(aPlugin()).resources).toEqual({
      requests: { cpu: '50m', memory: '96Mi' },
      limits: { cpu: '2', memory: '512Mi' },
    });
  });

  test('has no default beside a quantity that could contradict it', () => {
    const { resources } = settingsOf(aPlugin({ resources: { requests: { memory: '4Gi' }, limits: { cpu: '10m' } } }));
    expect(resources).toEqual({ requests: { memory: '4Gi' }, limits: { cpu: '10m' } });
  });
});

describe('the security profile', () => {
  const privileged = { securityProfile: 'privileged-data' } as const;
  const restricted = { securityProfile: 'restricted' } as const;
  test.each<[string, PluginPodSettings, OwnSettings, PopulatorPodSettings, string]>([
    ['nobody', {}, {}, {}, 'restricted'],
    ['the plugin', privileged, {}, {}, 'privileged-data'],
    ['the plugin for this claim', {}, privileged, {}, 'privileged-data'],
    ['the plugin for this claim, which needs less', privileged, restricted, {}, 'restricted'],
    ['the operator, who gives more', {}, restricted, { all: privileged }, 'privileged-data'],
    ['the operator, who gives less', {}, privileged, { plugins: { fetch: restricted } }, 'restricted'],
  ])('is said by %s', (_who, own, needed, operator, profile) => {
    const settings = settingsOf(aPlugin(own), operator, needed);
    expect(settings.securityProfile).toBe(profile);
    const objection = profileObjection('fetch', needed.securityProfile, settings);
    if (profile === 'restricted' && needed.securityProfile === 'privileged-data') {
      expect(objection).toMatch(/pods of fetch the securityProfile restricted, and this claim needs privileged-data/);
    } else expect(objection).toBeUndefined();
  });
});

describe('the Pod Security level', () => {
  test.each<[PodSettings, string]>([
    [{}, 'restricted'],
    [{ securityProfile: 'restricted', volumes: [{ name: 'a', configMap: { name: 'x' } }] }, 'restricted'],
    [{ securityProfile: 'privileged-data' }, 'baseline'],
    [{ volumes: [{ name: 'a', nfs: { server: 's', path: '/' } }] }, 'baseline'],
    [{ volumes: [{ name: 'a', hostPath: { path: '/' } }] }, 'privileged'],
  ])('that %j needs is %s', (settings, level) => {
    expect(neededLevel(settings)).toBe(level);
  });

  test.each([
    [undefined, 'privileged', true],
    ['privileged', 'privileged', true],
    ['baseline', 'baseline', true],
    ['baseline', 'privileged', false],
    ['restricted', 'baseline', false],
    ['restricted', 'restricted', true],
    ['nonsense', 'baseline', false],
  ] as const)('%s admits a pod that needs %s: %s', (enforced, needed, admitted) => {
    expect(admits(enforced, needed)).toBe(admitted);
  });
});

describe('settings that cannot be meant', () => {
  test.each<[unknown, string, string]>([
    [{ all: { resource: {} } }, 'all', 'resource'],
    [{ plugins: { fetch: { nodeName: 'n' } } }, 'plugins.fetch', 'nodeName'],
    [{ all: { securityProfile: 'root' } }, 'all.securityProfile', 'restricted'],
    [{ all: { labels: { 'app.kubernetes.io/managed-by': 'me' } } }, 'all.labels', 'managed-by'],
    [{ all: { annotations: { 'volprime.dev/population-uid': 'x' } } }, 'all.annotations', 'volprime.dev'],
    [{ all: { env: { VOLPRIME_TASK: 'x' } } }, 'all.env', 'VOLPRIME_'],
    [{ all: { volumes: [{ name: 'target', emptyDir: {} }] } }, 'all.volumes.0.name', 'framework'],
    [{ all: { volumes: [{ name: 'a' }] } }, 'all.volumes.0', 'source'],
    [
      { all: { volumeMounts: [{ name: 'a', mountPath: '/var/run/volprime/x' }] } },
      'all.volumeMounts.0.mountPath',
      '/var/run/volprime',
    ],
    [{ all: { proxy: { http: 'http://user:word@proxy:3128' } } }, 'all.proxy.http', 'credentials'],
    [{ all: { allowedAddresses: ['10.0.0.1'] } }, 'all.allowedAddresses.0', 'CIDR'],
    [{ all: { allowedAddresses: ['10.0.0.0/33'] } }, 'all.allowedAddresses.0', 'CIDR'],
    [{ all: { tolerations: [{ effect: 'Never' }] } }, 'all.tolerations.0.effect', 'NoSchedule'],
  ])('%j: the error names %s', (settings, field, words) => {
    const [issue] = populatorPodSettingsSchema.safeParse(settings).error?.issues ?? [];
    expect(issue?.path.join('.')).toBe(field);
    expect(issue?.message).toContain(words);
  });

  test('a plugin that does not exist, and a mount without its volume', () => {
    const mount = { volumeMounts: [{ name: 'extra', mountPath: '/extra' }] };
    expect(settingsProblems([aPlugin()], { all: mount, plugins: { fetsch: {} } })).toEqual([
      'plugins.fetsch: there is no plugin of that name; there are fetch',
      'plugin fetch: volumeMounts: /extra mounts extra, which is not among the volumes',
    ]);
    const volume = { volumes: [{ name: 'extra', emptyDir: {} }] };
    expect(settingsProblems([aPlugin(volume)], { all: mount })).toEqual([]);
  });

  test('a plugin that asks for a ServiceAccount', () => {
    const wanted = { serviceAccountName: 'admin' } as PluginPodSettings;
    expect(settingsProblems([aPlugin(wanted)], {})).toEqual([
      'plugin fetch: podSettings: Unrecognized key: "serviceAccountName"',
    ]);
  });
});
