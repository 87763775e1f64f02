/** What the controller's own account may do, so that its token in the wrong hands is no key to the cluster. */
import {
  ANNOTATION_POPULATED_BY,
  ANNOTATION_SELECTED_NODE,
  captureContentName,
  GROUP,
  LABEL_MANAGED_BY,
  MANAGED_BY,
} from '../../src/api/names.ts';
import { SNAPSHOT_GROUP } from '../../src/api/snapshots.ts';
import { OWN_NAME } from './marks.ts';
import { celList, celText, IS_CONTROLLER, type Policy, type ResourceRule, type Validation } from './policy.ts';

const OWN = celText(OWN_NAME);
const PREFIX = celText(`${GROUP}/`);
const isManaged = (of: string) =>
  `${of}.metadata.?labels.orValue({})[?${celText(LABEL_MANAGED_BY)}].orValue('') == ${celText(MANAGED_BY)}`;

const OUTSIDE_OF_THE_SYSTEM: Validation = {
  expression: `request.operation != 'CREATE' || !(request.namespace.startsWith('kube-') || request.userInfo.username.startsWith('system:serviceaccount:' + request.namespace + ':'))`,
  message: 'the account of the controller of Volprime makes nothing in kube-* and in its own namespace',
};

export function controllerPolicies(): Policy[] {
  return [pods(), claims(), volumes(), snapshots(), contents()];
}

function pods(): Policy {
  const lines = (key: string) => `params.?data[?'${key}'].orValue('').split('\\n').map(l, l.trim()).filter(l, l != '')`;
  const creates = (expression: string) => `request.operation != 'CREATE' || ${expression}`;
  return bounded('pods', 'what it makes are populator pods and pods of captures, without rights and without the node', {
    takesSettings: true,
    resourceRules: [rule('', ['pods'])],
    variables: {
      account: `object.spec.?serviceAccountName.orValue('')`,
      accounts: lines('serviceAccounts'),
      images: lines('images'),
      containers: 'object.spec.containers + object.spec.?initContainers.orValue([])',
      strange: `variables.containers.filter(c, !variables.images.exists(i, i == '*' || i == c.image || (i.endsWith('*') && c.image.startsWith(i.substring(0, i.size() - 1))))).map(c, c.image)`,
    },
    validations: [
      OUTSIDE_OF_THE_SYSTEM,
      {
        expression: `request.operation == 'CREATE' ? ${isManaged('object')} : ${isManaged('oldObject')}`,
        message: `the account of the controller of Volprime makes, changes and deletes pods with the label ${LABEL_MANAGED_BY}=${MANAGED_BY} only`,
      },
      {
        expression: `request.operation != 'UPDATE' || (object.spec == oldObject.spec && object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) && object.metadata.?annotations.orValue({}) == oldObject.metadata.?annotations.orValue({}))`,
        message: 'the account of the controller of Volprime changes nothing of a pod but finalizers',
      },
      {
        expression: creates(`variables.account in ['', 'default'] + variables.accounts`),
        message: `the account of the controller of Volprime may not give a pod this ServiceAccount; list it in "serviceAccounts" of the ConfigMap volprime-guard`,
      },
      {
        expression: creates(
          `variables.account in variables.accounts || (object.spec.?automountServiceAccountToken.orValue(true) == false && object.spec.?volumes.orValue([]).all(v, v.?projected.?sources.orValue([]).all(s, !has(s.serviceAccountToken))))`,
        ),
        message: `the account of the controller of Volprime may not make a pod with a token; list its ServiceAccount in "serviceAccounts" of the ConfigMap volprime-guard`,
      },
      {
        expression: creates('variables.strange.size() == 0'),
        message: 'the account of the controller of Volprime may not run this image',
        messageExpression: `'the account of the controller of Volprime may not run ' + variables.strange.join(', ') + '; add it to images in the ConfigMap volprime-guard'`,
      },
      {
        expression: creates('object.spec.?volumes.orValue([]).all(v, !has(v.hostPath))'),
        message: 'the account of the controller of Volprime makes no pod that mounts a hostPath',
      },
      {
        expression: creates(
          '!object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false) && variables.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0))',
        ),
        message: 'the account of the controller of Volprime makes no pod in a namespace or on a port of the node',
      },
      {
        expression: creates('variables.containers.all(c, !c.?securityContext.?privileged.orValue(false))'),
        message: 'the account of the controller of Volprime makes no privileged container',
      },
    ],
  });
}

function claims(): Policy {
  return bounded(
    'claims',
    "claims under our names are its own; on all others it writes its finalizers and hands a scheduler's choice back",
    {
      resourceRules: [rule('', ['persistentvolumeclaims'])],
      variables: { own: `(request.operation == 'CREATE' ? object : oldObject).metadata.name.matches(${OWN})` },
      validations: [
        OUTSIDE_OF_THE_SYSTEM,
        {
          expression: `request.operation == 'UPDATE' || variables.own`,
          message:
            'the account of the controller of Volprime makes and deletes claims with names "volprime-<uid>" only',
        },
        {
          expression: `request.operation != 'UPDATE' || object.spec == oldObject.spec`,
          message: 'the account of the controller of Volprime changes no spec of a claim',
        },
        {
          expression: `request.operation != 'UPDATE' || variables.own || (${sameBut('annotations', `k == ${celText(ANNOTATION_SELECTED_NODE)}`)} && ${onlyOurFinalizers})`,
          message: `the account of the controller of Volprime changes nothing of a claim of others but its own finalizers and ${ANNOTATION_SELECTED_NODE}`,
        },
      ],
    },
  );
}

/** Marks that can be trusted: others may not write them. */
function volumes(): Policy {
  const ours = `(oldObject.spec.?claimRef.?name.orValue('').matches(${OWN}) || ${celText(ANNOTATION_POPULATED_BY)} in oldObject.metadata.?annotations.orValue({}))`;
  const fields = celList(['accessModes', 'claimRef', 'persistentVolumeReclaimPolicy', 'storageClassName']);
  const [now, old] = ['dyn(object.spec)', 'dyn(oldObject.spec)'];
  return bounded(
    'volumes',
    'volumes that were made for a claim under our names; the hand-over goes to the claim whose UID that name holds',
    {
      resourceRules: [{ ...rule('', ['persistentvolumes']), operations: ['UPDATE', 'DELETE'] }],
      validations: [
        {
          expression: ours,
          message:
            'the account of the controller of Volprime changes and deletes volumes only that were made for claims "volprime-<uid>"',
        },
        {
          expression: `request.operation != 'UPDATE' || (${now}.all(k, k in ${fields} || (k in ${old} && ${old}[k] == ${now}[k])) && ${old}.all(k, k in ${fields} || k in ${now}))`,
          message: `the account of the controller of Volprime changes nothing of a volume's spec but ${fields.replaceAll("'", '')}`,
        },
        {
          expression: `request.operation != 'UPDATE' || (${sameBut('annotations', `k.startsWith(${PREFIX})`)} && object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([]))`,
          message: `the account of the controller of Volprime changes nothing of a volume's metadata but annotations of ${GROUP}`,
        },
        {
          expression: `request.operation != 'UPDATE' || [object.?spec.?claimRef.?uid.orValue(''), object.?spec.?claimRef.?name.orValue(''), object.?spec.?claimRef.?namespace.orValue('')] == [oldObject.?spec.?claimRef.?uid.orValue(''), oldObject.?spec.?claimRef.?name.orValue(''), oldObject.?spec.?claimRef.?namespace.orValue('')] || 'volprime-' + object.?spec.?claimRef.?uid.orValue('') == oldObject.?spec.?claimRef.?name.orValue('')`,
          message:
            'the account of the controller of Volprime hands a volume over to no claim but the one whose UID the name of the temporary claim holds',
        },
      ],
    },
  );
}

function snapshots(): Policy {
  const own = `.?spec.?source.?volumeSnapshotContentName.orValue('').matches(${OWN})`;
  return bounded('snapshots', 'it makes VolumeSnapshots of its own contents, and holds those that are restored', {
    resourceRules: [rule(SNAPSHOT_GROUP, ['volumesnapshots'])],
    validations: [
      {
        expression: `request.operation == 'UPDATE' || (request.operation == 'CREATE' ? object${own} : oldObject${own})`,
        message:
          'the account of the controller of Volprime makes and deletes VolumeSnapshots of contents "volprime-<uid>" only',
      },
      {
        expression: `request.operation != 'UPDATE' || (object.spec == oldObject.spec && ${sameBut('annotations', 'false')} && ${onlyOurFinalizers})`,
        message: 'the account of the controller of Volprime changes nothing of a VolumeSnapshot but its own finalizers',
      },
    ],
  });
}

function contents(): Policy {
  const capture = celText(captureContentName(''));
  return bounded(
    'contents',
    'it makes contents of its own, and serves those of its drivers without a change to their specs',
    {
      resourceRules: [rule(SNAPSHOT_GROUP, ['volumesnapshotcontents'])],
      validations: [
        {
          expression: `request.operation == 'UPDATE' || (request.operation == 'CREATE' ? object : oldObject).metadata.name.matches(${OWN})`,
          message:
            'the account of the controller of Volprime makes and deletes contents with names "volprime-<uid>" only',
        },
        {
          expression: `request.operation != 'CREATE' || object.metadata.name.startsWith(${capture}) || object.spec.deletionPolicy == 'Retain'`,
          message:
            'the account of the controller of Volprime makes a second content of a snapshot under the policy Retain only',
        },
        {
          expression: `request.operation != 'UPDATE' || object.spec == oldObject.spec`,
          message: 'the account of the controller of Volprime changes no spec of a content',
        },
      ],
    },
  );
}

function bounded(what: string, about: string, parts: Omit<Policy, 'name' | 'about' | 'matchConditions'>): Policy {
  return {
    name: `volprime-controller-${what}`,
    about: `For the controller's account alone: ${about}.`,
    matchConditions: [IS_CONTROLLER],
    ...parts,
  };
}

function rule(group: string, resources: readonly string[]): ResourceRule {
  return { apiGroups: [group], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources };
}

/** Labels and owners as they were, and a map of strings but for some keys. */
function sameBut(member: string, except: string): string {
  const [now, old] = [`object.metadata.?${member}.orValue({})`, `oldObject.metadata.?${member}.orValue({})`];
  const map = `${now}.all(k, ${except} || (k in ${old} && ${old}[k] == ${now}[k])) && ${old}.all(k, ${except} || k in ${now})`;
  return `${map} && object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) && object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([])`;
}

const others = (of: string) => `${of}.metadata.?finalizers.orValue([]).filter(f, !f.startsWith(${PREFIX}))`;
const onlyOurFinalizers = `${others('object')} == ${others('oldObject')}`;
