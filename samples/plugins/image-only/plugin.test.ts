import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkPlugin } from 'volprime/testing';
import { loadPlugin } from '../../../src/load-plugin.ts';

test('keeps the promises of a plugin', async () => {
  const plugin = await loadPlugin(join(import.meta.dirname, 'plugin.yaml'));
  const spec = { fileName: 'motd', content: 'hello' };
  const report = await checkPlugin({ plugin, spec, badSpecs: [{}, { fileName: 'motd' }, 'motd'] });
  expect(report.problems).toEqual([]);
  expect(report.passed).toEqual(['definition', 'bad-spec', 'pod-template', 'pod-pure', 'pod-block-volume']);
});
