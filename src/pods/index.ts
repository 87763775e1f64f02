/**
 * What all pods of ours have in common: their settings, the parts of their specs that follow from those, and what their status says.
 *
 * Called by whoever makes pods: the claim controller, the plugins whose work is done in pods of their own, the command line. All of it is
 * pure. It must not know what a pod is for, nor how one is created.
 */
export { refuseLongTexts } from './exec-limit.ts';
export {
  admits,
  layeredSettings,
  mergePodSettings,
  neededLevel,
  type PodSecurityLevel,
  podSecurityLevels,
  profileObjection,
  settingsOf,
  settingsProblems,
} from './pod-settings.ts';
export {
  commonPodSpec,
  containerSecurity,
  environmentOf,
  GRACE_SECONDS,
  INSPECTOR_CONTAINER,
  literal,
  POPULATOR_CONTAINER,
  podSecurity,
  PROGRESS_LOG,
  publicAddressesOnly,
  readOnlyMount,
  resourcesOf,
  settingsMounts,
  settingsVolumes,
} from './pod-parts.ts';
export { foundByPod, lastTerminated, type PodFailure, podFailure, podResult } from './pod-status.ts';
export { hasStarted, podEnding, type PodWaiting, podWaiting } from './pod-waiting.ts';
