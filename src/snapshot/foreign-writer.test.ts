import { describe, expect, test } from '@jest/globals';
import { aContent, anObservation, aSnapshot } from '../../test/support/snapshot-objects.ts';
import { ANNOTATION_BEING_CREATED } from '../api/snapshots.ts';
import { foreignManagers, foreignWriter } from './foreign-writer.ts';

const status = { 'f:status': { 'f:readyToUse': {} } };
const annotated = (name: string) => ({ 'f:metadata': { 'f:annotations': { '.': {}, [`f:${name}`]: {} } } });

describe('of the writers of a content', () => {
  test.each([
    ['a status', { manager: 'csi-snapshotter', subresource: 'status', fieldsV1: status }, ['csi-snapshotter']],
    ['the mark of a capture', { manager: 'other', fieldsV1: annotated(ANNOTATION_BEING_CREATED) }, ['other']],
    ['a status of our own', { manager: 'ours', fieldsV1: status }, []],
    ['another annotation', { manager: 'kubectl-annotate', fieldsV1: annotated('example.com/note') }, []],
    ['the spec', { manager: 'snapshot-controller', fieldsV1: { 'f:spec': { 'f:driver': {} } } }, []],
    ['nothing that is told', { manager: 'odd' }, []],
    ['a status without a name', { fieldsV1: status }, ['unknown']],
  ])('%s', (_, entry, kept) => {
    expect(foreignManagers('ours')([entry])).toEqual(kept.map((manager) => ({ manager })));
  });
});

describe('the event', () => {
  const content = aContent({ meta: { managedFields: [{ manager: 'b' }, { manager: 'a' }, { manager: 'b' }] } });

  test('names each writer once, on the VolumeSnapshot', () => {
    const snapshot = aSnapshot();
    expect(foreignWriter(anObservation({ content, snapshot }))).toMatchObject({
      regarding: snapshot,
      related: content,
      type: 'Warning',
      reason: 'ForeignSnapshotWriter',
      note: expect.stringMatching(/^a, b wrote to VolumeSnapshotContent snapcontent-.* driver d may write/),
    });
  });

  test('is on the content where there is no VolumeSnapshot', () => {
    expect(foreignWriter(anObservation({ content }))?.regarding).toBe(content);
  });

  test('is not there for a content that nobody else wrote to, nor for one that is not ours', () => {
    expect(foreignWriter(anObservation({ content: aContent() }))).toBeUndefined();
    expect(foreignWriter(anObservation({ content, plugin: undefined }))).toBeUndefined();
    expect(foreignWriter(anObservation({ content: undefined }))).toBeUndefined();
  });
});
