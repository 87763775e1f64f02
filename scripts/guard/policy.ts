/** The parts of a ValidatingAdmissionPolicy, and the YAML of policies with a binding each. */
import { stringify } from 'yaml';

export interface ResourceRule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[];
  readonly resources: readonly string[];
}

/** CEL, all of it. A validation that is false refuses the request. */
export interface Policy {
  readonly name: string;
  /** One sentence for the reader of the YAML. */
  readonly about: string;
  readonly resourceRules: readonly ResourceRule[];
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly validations: readonly Validation[];
  /** `params` of the expressions: the ConfigMap SETTINGS. */
  readonly takesSettings?: true;
}

export interface Validation {
  readonly expression: string;
  /** Told where `messageExpression` is absent. */
  readonly message: string;
  readonly messageExpression?: string;
}

/** Namespace and name as deploy/ has them; kustomize writes others in their place (see deploy/components/guard). */
export const SYSTEM_NAMESPACE = 'volprime-system';
export const CONTROLLER_ACCOUNT = 'volprime-controller';
/** ConfigMap in the controller's namespace. */
export const SETTINGS = 'volprime-guard';

const GENERATED = '# Generated from scripts/guard by "make generate"; do not edit.\n';
const API_VERSION = 'admissionregistration.k8s.io/v1';
const labels = { 'app.kubernetes.io/name': 'volprime', 'app.kubernetes.io/component': 'guard' };

/** Policies and bindings as one YAML file. */
export function policiesFile(policies: readonly Policy[]): string {
  const documents = policies.flatMap((policy) => [
    `# ${policy.about}\n${yaml(policyObject(policy))}`,
    yaml(bindingObject(policy)),
  ]);
  return `${GENERATED}${documents.join('---\n')}`;
}

/** Where namespace (3) and name (7) of the controller's account stand between the quotation marks of this expression. */
export const IS_CONTROLLER = {
  name: 'is-the-controller',
  expression: `request.userInfo.username == 'system:serviceaccount:' + '${SYSTEM_NAMESPACE}' + ':' + '${CONTROLLER_ACCOUNT}'`,
};

/** Replacements of kustomize: the controller's account as it is called there, into the policies that bound it. */
export function accountFile(policies: readonly Policy[]): string {
  const bound = policies.filter(({ matchConditions }) => matchConditions?.includes(IS_CONTROLLER) === true);
  const expressions = (index: number) =>
    bound.map(({ name }) => ({
      select: { kind: 'ValidatingAdmissionPolicy', name },
      fieldPaths: [`spec.matchConditions.[name=${IS_CONTROLLER.name}].expression`],
      options: { delimiter: "'", index },
    }));
  const settings = policies
    .filter(({ takesSettings }) => takesSettings)
    .map(({ name }) => ({
      select: { kind: 'ValidatingAdmissionPolicyBinding', name },
      fieldPaths: ['spec.paramRef.namespace'],
    }));
  const source = { kind: 'ServiceAccount', name: CONTROLLER_ACCOUNT };
  const replacements = [
    { source: { ...source, fieldPath: 'metadata.namespace' }, targets: [...expressions(3), ...settings] },
    { source: { ...source, fieldPath: 'metadata.name' }, targets: expressions(7) },
  ];
  return `${GENERATED}${yaml(replacements)}`;
}

/** A list of strings in CEL. */
export function celList(items: readonly string[]): string {
  return `[${items.map(celText).join(', ')}]`;
}

/** A string in CEL. @throws RangeError for what would end it. */
export function celText(text: string): string {
  if (/['\\\n]/.test(text)) throw new RangeError(`${JSON.stringify(text)} cannot be written as text of CEL`);
  return `'${text}'`;
}

function policyObject(policy: Policy): object {
  const { name, resourceRules, matchConditions, variables = {}, validations, takesSettings } = policy;
  return {
    apiVersion: API_VERSION,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name, labels },
    spec: {
      failurePolicy: 'Fail',
      ...(takesSettings && { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }),
      matchConstraints: { resourceRules },
      ...(matchConditions && { matchConditions }),
      variables: Object.entries(variables).map(([variable, expression]) => ({ name: variable, expression })),
      validations: validations.map((validation) => ({ ...validation, reason: 'Forbidden' })),
    },
  };
}

function bindingObject({ name, takesSettings }: Policy): object {
  return {
    apiVersion: API_VERSION,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name, labels },
    spec: {
      policyName: name,
      ...(takesSettings && {
        paramRef: { name: SETTINGS, namespace: SYSTEM_NAMESPACE, parameterNotFoundAction: 'Deny' },
      }),
      validationActions: ['Deny'],
    },
  };
}

function yaml(object: object): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
}
