import { describe, expect, test } from '@jest/globals';
import { aClaim, aClass } from '../../test/support/objects.ts';
import { classProblem, copiedAnnotations, templatesOf } from './class-parameters.ts';

const noted = aClaim({ meta: { annotations: { dir: 'd', 'nfs.io/path': 'p', 'volprime.dev/x': 'x' } } });
const annotated = (annotations: Record<string, string>, parameters: Record<string, string>, provisioner = 'p') => {
  const { metadata } = aClass();
  return aClass({ metadata: { ...metadata, annotations }, parameters, provisioner });
};
const problem = (
  parameters: Record<string, string>,
  { annotations = {}, home = 'app', claim = noted, provisioner = 'p' } = {},
) => classProblem(annotated(annotations, parameters, provisioner), { claim, home });

describe('what a parameter reads', () => {
  test.each([
    // external-provisioner, csi-driver-nfs and -smb, nfs-subdir-external-provisioner, JuiceFS, local-path-provisioner.
    ['${pvc.name}', 'claim', 'name', undefined],
    ['${pvc.namespace}', 'claim', 'namespace', undefined],
    ["${pvc.annotations['team.example.com/key']}", 'claim', 'annotations', 'team.example.com/key'],
    ['${pvc.metadata.name}', 'claim', 'name', undefined],
    ['${.PVC.annotations.nfs.io/path}', 'claim', 'annotations', 'nfs.io/path'],
    ['${.pvc.labels.app}', 'claim', 'labels', 'app'],
    ['{{ .PVC.Name }}', 'claim', 'name', undefined],
    ['{{.PVC.Namespace}}', 'claim', 'namespace', undefined],
    ['{{ index .PVC.Annotations "dir" }}', 'claim', 'annotations', 'dir'],
    ['{{ .PVC.Annotations.dir }}', 'claim', 'annotations', 'dir'],
    ['${pv.name}', 'volume', '', undefined],
    ['${pv.metadata.name}', 'volume', '', undefined],
    ['${.PV.name}', 'volume', '', undefined],
    ['{{ .PVName }}', 'volume', '', undefined],
    ['${.node.name}', 'other', '', undefined],
  ])('%s', (text, of, field, key) => {
    expect(templatesOf(`a/${text}/b`)).toEqual([{ text, of, field, key }]);
  });
});

describe('a class', () => {
  test.each([
    ['without templates', { type: 'ssd', fsType: 'ext4' }],
    ['with a directory for each volume (csi-driver-nfs)', { subDir: '${pv.metadata.name}' }],
    ['with a directory for each volume (local-path)', { pathPattern: '{{ .PVC.Namespace }}/{{ .PVName }}' }],
    ['whose Secret is named for the volume', { 'csi.storage.k8s.io/node-stage-secret-name': '${pv.name}' }],
    ['with a Secret in each namespace', { 'csi.storage.k8s.io/node-stage-secret-namespace': '${pvc.namespace}' }],
    ['with a path of EFS, which is made unique', { subPathPattern: 'x' }, 'efs.csi.aws.com'],
    ['with a share name that means something else', { shareName: 'x' }],
  ])('%s is served', (...[, parameters, provisioner = 'p']: readonly [string, object, string?]) => {
    expect(problem({ ...parameters }, { provisioner })).toBeUndefined();
  });

  test.each([
    ['a constant directory (local-path)', { pathPattern: 'shared' }],
    ['a constant directory (csi-driver-nfs)', { subdir: '/data' }],
    ['a directory for each namespace', { pathPattern: '{{ .PVC.Namespace }}' }],
    ['one directory of EFS', { subPathPattern: 'x', ensureUniqueDirectory: 'false' }, 'efs.csi.aws.com'],
    ['one share of Azure', { shareName: 'x' }, 'file.csi.azure.com'],
  ])(
    'with %s is refused, unless its volumes may hold content',
    (...[, given, by = 'p']: readonly [string, object, string?]) => {
      const parameters = { ...given };
      expect(problem(parameters, { provisioner: by })).toMatchObject({ reason: 'ClassSharesDirectory' });
      const annotations = { 'volprime.dev/volumes-may-hold-content': 'true' };
      expect(problem(parameters, { provisioner: by, annotations })).toBeUndefined();
    },
  );

  test.each(['${pvc.namespace}', '${.PVC.annotations.dir}', '{{ .PVC.Name }}', '${pvc.metadata.uid}'])(
    'that reads %s is refused for a source of another namespace, whatever its annotations say',
    (value) => {
      const annotations = {
        'volprime.dev/copy-annotations': 'dir',
        'volprime.dev/accept-temporary-claim-name': 'true',
      };
      expect(problem({ any: value }, { home: 'populators', annotations })).toMatchObject({
        reason: 'ClassReadsClaim',
        message: expect.stringContaining('namespace populators'),
      });
    },
  );

  test('that reads annotations is served where the operator names them and the claim has them', () => {
    const parameters = { pathPattern: '{{ index .PVC.Annotations "dir" }}' };
    expect(problem(parameters)?.message).toContain('volprime.dev/copy-annotations=dir');
    const annotations = { 'volprime.dev/copy-annotations': 'other, dir' };
    expect(problem(parameters, { annotations })).toBeUndefined();
    expect(problem(parameters, { annotations, claim: aClaim() })?.message).toContain('the claim has no annotation dir');
  });

  test('that reads the name is refused, unless the operator accepts that of the temporary claim', () => {
    const parameters = { pathPattern: '${.PVC.namespace}-${.PVC.name}' };
    expect(problem(parameters)).toMatchObject({
      reason: 'ClassReadsClaim',
      message: expect.stringContaining('.PVC.name'),
    });
    expect(
      problem(parameters, { annotations: { 'volprime.dev/accept-temporary-claim-name': 'true' } }),
    ).toBeUndefined();
  });

  test('what cannot be told is refused', () => {
    expect(problem({ x: '${pvc.uid}' })).toMatchObject({ reason: 'ClassReadsClaim' });
    expect(problem({ x: '{{ .PVC.Annotations }}' })).toMatchObject({ reason: 'ClassReadsClaim' });
  });

  test('never has annotations copied that Volprime or Kubernetes act on', () => {
    const keys = 'dir,volprime.dev/x,volume.kubernetes.io/selected-node,x.k8s.io/y,missing';
    expect(copiedAnnotations(noted, annotated({ 'volprime.dev/copy-annotations': keys }, {}))).toEqual({ dir: 'd' });
    expect(copiedAnnotations(noted, aClass())).toEqual({});
  });
});
