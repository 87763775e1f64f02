/**
 * The command line: what a person does that no controller can. One file per command; `main.ts` is the entry.
 *
 * Called from the image and by scripts/. It knows objects and the way to the API server, and nothing of how the controller works.
 */
export { describePlan, planRelease, type ReleasePlan } from './release-plan.ts';
export { readHeld } from './release.ts';
