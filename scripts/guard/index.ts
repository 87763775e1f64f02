/** deploy/components/guard: the policies, made from the names in src/api, so that the two never differ. Called by scripts/generate.ts. */
import { controllerPolicies } from './controller.ts';
import { hooksPolicy } from './hooks.ts';
import { marksPolicy, recordsPolicy } from './marks.ts';
import { accountFile, policiesFile } from './policy.ts';

export function guardFiles(): [path: string, text: string][] {
  const directory = 'deploy/components/guard';
  return [
    [`${directory}/marks.yaml`, policiesFile([marksPolicy(), recordsPolicy()])],
    [`${directory}/controller.yaml`, policiesFile(controllerPolicies())],
    [`${directory}/account.yaml`, accountFile(controllerPolicies())],
    [`${directory}/hooks.yaml`, policiesFile([hooksPolicy()])],
  ];
}
