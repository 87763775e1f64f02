/** What the namespace of the populator pods, and the operator, have to say before a volume is made for them. */
import { LABEL_POD_SECURITY } from '../../api/names.ts';
import { namespaces } from '../../api/resources.ts';
import type { Plugin, SecurityProfile } from '../../sdk/index.ts';
import type { StepContext } from '../context.ts';
import type { Observation } from '../observation.ts';
import { admits, neededLevel, profileObjection, settingsOf } from '../../pods/index.ts';

interface Asked {
  readonly plugin: Plugin;
  /** The profile that the plugin asks for this claim. */
  readonly needed: SecurityProfile | undefined;
}

/**
 * Why the claim's pods would not be admitted, or not get what they need; undefined where they would. The namespace is read live and only for
 * pods that level "restricted" would refuse: what a controller needs to know of all namespaces is not worth keeping.
 */
export async function podSecurityObjection(
  context: StepContext,
  { home: name }: Observation,
  { plugin, needed: profile }: Asked,
): Promise<string | undefined> {
  if (!('pod' in plugin)) return undefined;
  const settings = settingsOf(plugin, context.config.podSettings, profile && { securityProfile: profile });
  const refused = profileObjection(plugin.name, profile, settings);
  if (refused !== undefined) return refused;
  const needed = neededLevel(settings);
  if (needed === 'restricted') return undefined;
  const namespace = await context.client.get(namespaces, { name }, { signal: context.signal });
  const enforced = namespace?.metadata.labels?.[LABEL_POD_SECURITY];
  if (admits(enforced, needed)) return undefined;
  const way = profile === undefined ? "the settings of the plugin's pods" : 'the source or the claim';
  return (
    `namespace ${name} enforces Pod Security level "${enforced}", and populator pods of ${plugin.name} need "${needed}" ` +
    `(securityProfile ${settings.securityProfile}); change the label ${LABEL_POD_SECURITY} of the namespace, or ${way}`
  );
}
