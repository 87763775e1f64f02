/**
 * The conformance kit, `volprime/testing`: does to a plugin what the framework may do to it in its life, and says in plain words what the plugin
 * got wrong. Called by plugin authors from whatever runs their tests. Needs no cluster; it must not know Kubernetes' API machinery.
 *
 *     import { assertConforms } from 'volprime/testing';
 *     test('keeps its promises', () => assertConforms({ plugin: () => makePlugin(url), spec: { dataset: 'genome' } }));
 */
export { assertConforms, checkPlugin } from './check-plugin.ts';
export { assertSnapshotsConform, checkSnapshotPlugin } from './check-snapshot-plugin.ts';
export { type ConformanceReport, describeReport, type Problem, type Skipped } from './report.ts';
export type { SnapshotSubject } from './snapshot-subject.ts';
export type { Outside, Subject } from './subject.ts';
