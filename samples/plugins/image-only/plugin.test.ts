import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkPlugin } from 'volprime/testing';
import { loadPlugin } from '../../../src/load-plugin.ts';

test('keeps the promises of a plugin', async () => {
  const { plugin } = await loadPlugin(join(import.meta.dirname, 'plugin.yaml'));
  if (plugin === undefined) throw new Error('the file has no populator');
  const spec = { fileName: 'motd', content: 'hello' };
  const report = await checkPlugin({ plugin, spec, badSpecs: [{}, { fileName: 'motd' }, 'motd'] });
  expect(report.problems).toEqual([]);
  expect(report.passed).toEqual(['definition', 'bad-spec', 'pod-template', 'pod-pure', 'pod-block-volume']);
});
