/** Commands around a capture: only who may run commands in the pods of a namespace may write them into its pods. */
import { HOOK_PREFIX } from '../../src/plugins/snapshot-capture/hooks.ts';
import { celList, celText, type Policy, type ResourceRule } from './policy.ts';

/** Kubernetes' own controllers write what stands in a template, and the author of the template was asked. */
const POD_CONTROLLERS = [
  'cronjob-controller',
  'daemon-set-controller',
  'deployment-controller',
  'job-controller',
  'replicaset-controller',
  'replication-controller',
  'statefulset-controller',
].map((name) => `system:serviceaccount:kube-system:${name}`);
/** All of them, where they have no accounts of their own. */
const CONTROLLER_MANAGER = 'system:kube-controller-manager';

export function hooksPolicy(): Policy {
  const prefixes = Object.values(HOOK_PREFIX).map((prefix) => `k.startsWith(${celText(`${prefix}/`)})`);
  const written = `variables.annotations.filter(k, (${prefixes.join(' || ')}) && !(k in variables.oldAnnotations && variables.oldAnnotations[k] == variables.annotations[k]))`;
  return {
    name: 'volprime-hooks',
    about:
      'Annotations with commands are written, into pods and into templates of pods, by those who may exec into the pods of that namespace.',
    resourceRules: [
      rule('', ['pods', 'pods/status', 'pods/binding', 'bindings', 'replicationcontrollers']),
      rule('apps', ['daemonsets', 'deployments', 'replicasets', 'statefulsets']),
      rule('batch', ['cronjobs', 'jobs']),
    ],
    matchConditions: [
      {
        name: 'is-no-controller-of-pods',
        expression: `!(request.userInfo.username in ${celList([...POD_CONTROLLERS, CONTROLLER_MANAGER])})`,
      },
    ],
    variables: {
      annotations: annotationsOf('object'),
      oldAnnotations: `request.operation == 'CREATE' ? {} : ${annotationsOf('oldObject')}`,
      written,
    },
    validations: [
      {
        expression: `variables.written.size() == 0 || authorizer.group('').resource('pods').subresource('exec').namespace(request.namespace).check('create').allowed()`,
        message: 'commands around a capture are written by those who may create pods/exec in the namespace',
        messageExpression: `variables.written.join(', ') + ': who writes commands into pods needs the right to create pods/exec in namespace ' + request.namespace`,
      },
    ],
  };
}

/** Of the pods that come of it. */
function annotationsOf(object: string): string {
  const template = (path: string) => `dyn(${object}).?spec.?${path}.?metadata.?annotations.orValue({})`;
  const itself = `dyn(${object}).?metadata.?annotations.orValue({})`;
  return `object.kind == 'CronJob' ? ${template('jobTemplate.?spec.?template')} : object.kind in ['Pod', 'Binding'] ? ${itself} : ${template('template')}`;
}

function rule(group: string, resources: readonly string[]): ResourceRule {
  return { apiGroups: [group], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources };
}
