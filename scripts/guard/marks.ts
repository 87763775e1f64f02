/** Our names, labels, annotations and finalizers: written by the controller alone. Whose account that is, RBAC says (deploy/rbac.yaml). */
import { GROUP, LABEL_MANAGED_BY, MANAGED_BY } from '../../src/api/names.ts';
import { populations } from '../../src/api/population.ts';
import type { Resource } from '../../src/api/resources.ts';
import { USER_KEYS } from '../../src/api/user-keys.ts';
import { SNAPSHOT_GROUP } from '../../src/api/snapshots.ts';
import { celList, celText, type Policy, type ResourceRule, type Validation } from './policy.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** Names of what the controller makes: they all hold a UID that the API server has given. RE2. */
export const OWN_NAME = `^volprime-([a-z0-9-]+-)?${UUID}(-[a-z0-9-]+)?$`;

const PREFIX = `${GROUP}/`;

/** Verbs on populations that no API call has: RBAC grants them, and the policies ask for them. Cluster-wide, so that no Role of a namespace counts. */
const MARK = mayDo('mark');
const RELEASE = mayDo('release');

/** Objects that bear our marks. A status write, a binding and the like carry metadata as well, and some of them change it. */
const MARKED: readonly ResourceRule[] = [
  rule('', 'v1', ['persistentvolumeclaims', 'persistentvolumeclaims/status']),
  rule('', 'v1', ['persistentvolumes', 'persistentvolumes/status']),
  rule('', 'v1', ['pods', 'pods/status', 'pods/binding', 'bindings', 'pods/ephemeralcontainers', 'pods/resize']),
  rule(SNAPSHOT_GROUP, 'v1', ['volumesnapshots', 'volumesnapshots/status']),
  rule(SNAPSHOT_GROUP, 'v1', ['volumesnapshotcontents', 'volumesnapshotcontents/status']),
  rule(populations.group, populations.version, [populations.plural, `${populations.plural}/status`]),
];

export function marksPolicy(): Policy {
  return {
    name: 'volprime-marks',
    about:
      'What is compared is the object before and after: whoever writes to an object may leave our marks as they are, and change all else.',
    resourceRules: MARKED,
    variables: {
      labels: 'object.metadata.?labels.orValue({})',
      oldLabels: before('labels', '{}'),
      annotations: 'object.metadata.?annotations.orValue({})',
      oldAnnotations: before('annotations', '{}'),
      finalizers: 'object.metadata.?finalizers.orValue([])',
      oldFinalizers: before('finalizers', '[]'),
      added: `variables.finalizers.filter(f, f.startsWith(${celText(PREFIX)}) && !(f in variables.oldFinalizers))`,
      removed: `variables.oldFinalizers.filter(f, f.startsWith(${celText(PREFIX)}) && !(f in variables.finalizers))`,
      changed: `${changes('labels', 'oldLabels', managedBy)} + ${changes('annotations', 'oldAnnotations', () => 'false')} + variables.added`,
    },
    validations: [
      {
        expression: `request.operation != 'CREATE' || request.?subResource.orValue('') != '' || !object.metadata.?name.orValue('').matches(${celText(OWN_NAME)}) || ${MARK}`,
        message: `names "volprime-<uid>" are given by the controller of Volprime alone; choose another name`,
      },
      {
        expression: `variables.changed.size() == 0 || ${MARK}`,
        message: `labels, annotations and finalizers of ${GROUP} are written by the controller of Volprime alone`,
        messageExpression: `'only the controller of Volprime writes ' + variables.changed.join(', ') + '; leave it as it is (operators and backup tools: docs/trust.md)'`,
      },
      {
        expression: `variables.removed.size() == 0 || ${MARK} || ${RELEASE}`,
        message: `finalizers of ${GROUP} are taken off by the controller of Volprime, or by "volprime release"`,
        messageExpression: `'the controller of Volprime takes ' + variables.removed.join(', ') + ' off when its work is done; where no controller runs any more, an operator runs volprime release'`,
      },
    ],
  };
}

/** Populations as a whole: the controller believes what stands in them. */
export function recordsPolicy(): Policy {
  return {
    name: 'volprime-records',
    about: 'Populations are the memory of the controller; others change no more of them than their metadata.',
    resourceRules: [rule(populations.group, populations.version, resourcesOf(populations))],
    validations: [
      {
        expression: `(request.operation == 'UPDATE' && object.?spec == oldObject.?spec && object.?status == oldObject.?status) || ${MARK}`,
        message: 'Populations are written by the controller of Volprime alone; change the claim or its source instead',
      } satisfies Validation,
    ],
  };
}

function resourcesOf({ plural }: Resource): string[] {
  return [plural, `${plural}/status`];
}

function rule(group: string, version: string, resources: readonly string[]): ResourceRule {
  return { apiGroups: [group], apiVersions: [version], operations: ['CREATE', 'UPDATE'], resources };
}

function mayDo(verb: string): string {
  const { group, plural } = populations;
  return `authorizer.group(${celText(group)}).resource(${celText(plural)}).check(${celText(verb)}).allowed()`;
}

function before(member: string, none: string): string {
  return `request.operation == 'CREATE' ? ${none} : oldObject.metadata.?${member}.orValue(${none})`;
}

type Special = (map: string) => string;

/** A label of everybody's that is a mark by its value. */
function managedBy(map: string): string {
  return `(k == ${celText(LABEL_MANAGED_BY)} && ${map}[k] == ${celText(MANAGED_BY)})`;
}

/** The keys of marks that are new, other or gone. */
function changes(now: string, old: string, special: Special): string {
  const [a, b] = [`variables.${now}`, `variables.${old}`];
  const own = `(k.startsWith(${celText(PREFIX)}) && !(k in ${celList(USER_KEYS)}))`;
  const written = `${a}.filter(k, (${own} || ${special(a)}) && !(k in ${b} && ${b}[k] == ${a}[k]))`;
  const gone = `${b}.filter(k, (${own} && !(k in ${a})) || (${special(b)} && !(k in ${a} && ${a}[k] == ${b}[k])))`;
  return `${written} + ${gone}`;
}
