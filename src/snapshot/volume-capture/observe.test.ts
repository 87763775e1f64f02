import { expect, test } from '@jest/globals';
import { aContent, KEY } from '../../../test/support/snapshot-objects.ts';
import { captureContentName } from '../../api/names.ts';
import { proofFor } from '../../api/proof.ts';
import { MemoryStore } from '../../informer/index.ts';
import { SnapshotPluginRegistry } from '../plugin-registry.ts';
import { decide } from './decide.ts';
import { type CaptureStores, observe } from './observe.ts';

/** A content of a capture whose VolumeCapture is not in the cache. */
function ground(): CaptureStores {
  const contents: CaptureStores['contents'] = new MemoryStore();
  const annotations = proofFor({ kind: 'VolumeCapture', uid: KEY });
  contents.merge(aContent({ meta: { name: captureContentName(KEY), annotations } }));
  return {
    contents,
    snapshots: new MemoryStore(),
    snapshotClasses: new MemoryStore(),
    claims: new MemoryStore(),
    volumes: new MemoryStore(),
    captures: new MemoryStore(),
  };
}

test.each([
  ['by a controller of all namespaces, is cancelled', undefined, 'DeleteContent'],
  ['by the controller of its namespace, is cancelled', ['other', 'app'], 'DeleteContent'],
  ['by a controller of other namespaces, is left to the one that can see it', ['other'], 'Ignore'],
] as const)('what seems to be left of a VolumeCapture, seen %s', (_, namespaces, type) => {
  const observation = observe({ stores: ground(), plugins: new SnapshotPluginRegistry([]), namespaces }, KEY);
  expect(decide(observation).type).toBe(type);
});
