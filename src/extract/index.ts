/**
 * The data path: from bodies at URLs to a verified tree or image.
 *
 * Called by the populator pod's plugin and by the command line. It must not know Kubernetes: a job is plain data, sources are opened by
 * whoever calls. Bytes flow from `source/` through `decode/` and `entries/` to `write/`; `pipeline/` runs these stages in threads with the
 * rings of `ring/` between them, or one after another in the caller's.
 */
export type * from './job.ts';
export { populate, type PopulateOptions } from './populate.ts';
export type { Progress } from './progress.ts';
