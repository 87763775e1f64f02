import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { lifecycleEvents, reasons, sweepReasons } from './reasons.ts';
import { snapshotReasons, volumeCaptureReasons } from './snapshot-reasons.ts';

const root = join(import.meta.dirname, '..');
const said = /(?:\breason: |new (?:PermanentError|AttemptFailedError)\(\s*|reason\?\? )'([A-Z][A-Za-z]+)'/g;
/** Not reasons of a population's condition. */
const elsewhere = new Set([
  'Backoff',
  ...[lifecycleEvents, sweepReasons, snapshotReasons, volumeCaptureReasons].flatMap(Object.keys),
]);

test('every reason that the code says is in the table', () => {
  const found = new Set<string>();
  for (const file of globSync('{populate,plugins,pod,sdk,snapshot}/**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts')) continue;
    for (const [, word] of readFileSync(join(root, file), 'utf8').matchAll(said))
      if (word !== undefined) found.add(word);
  }
  expect(found.size).toBeGreaterThan(30);
  expect([...found].filter((word) => !(word in reasons) && !elsewhere.has(word))).toEqual([]);
});
