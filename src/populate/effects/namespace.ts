/** What the namespace of the populator pods has to say before a volume is made for them. */
import { LABEL_POD_SECURITY } from '../../api/names.ts';
import { namespaces } from '../../api/resources.ts';
import type { Plugin } from '../../sdk/index.ts';
import type { StepContext } from '../context.ts';
import type { Observation } from '../observation.ts';
import { admits, neededLevel, settingsOf } from '../pod-settings.ts';

/**
 * Why the namespace would refuse the plugin's pods, or undefined. The namespace is read live and only for pods that level "restricted"
 * would refuse: what a controller needs to know of all namespaces is not worth keeping.
 */
export async function podSecurityObjection(
  context: StepContext,
  { home: name }: Observation,
  plugin: Plugin,
): Promise<string | undefined> {
  if (!('pod' in plugin)) return undefined;
  const settings = settingsOf(plugin, context.config.podSettings);
  const needed = neededLevel(settings);
  if (needed === 'restricted') return undefined;
  const namespace = await context.client.get(namespaces, { name }, { signal: context.signal });
  const enforced = namespace?.metadata.labels?.[LABEL_POD_SECURITY];
  if (admits(enforced, needed)) return undefined;
  return (
    `namespace ${name} enforces Pod Security level "${enforced}", and populator pods of ${plugin.name} need "${needed}" ` +
    `(securityProfile ${settings.securityProfile}); change the label ${LABEL_POD_SECURITY} of the namespace, or the settings of the plugin's pods`
  );
}
