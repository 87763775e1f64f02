/**
 * The command line: `populate` fills a directory without a cluster, `verify` checks a snapshot, `release` does what no controller can. `main.ts` is the entry.
 *
 * Called by people, from the image and by scripts/. It knows objects, the way to the API server and the data path, and nothing of how the
 * controller works.
 */
export { describePlan, planRelease, type ReleasePlan } from './release-plan.ts';
export { readHeld } from './release.ts';
