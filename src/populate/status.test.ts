import { describe, expect, test } from '@jest/globals';
import { anObservation, aPopulation, EARLIER, NOW } from '../../test/support/objects.ts';
import { resultRecorded } from './status.ts';

describe('resultRecorded', () => {
  const result = { verification: 'checksum', bytes: 1000, files: 3 } as const;

  test('ends the progress at 100 %, whatever was read of it last', () => {
    const population = aPopulation({ progress: { percent: 65, bytesDone: 650, bytesTotal: 1000, updatedAt: EARLIER } });
    expect(resultRecorded(anObservation({ population }), result, NOW).progress).toEqual({
      percent: 100,
      bytesDone: 1000,
      bytesTotal: 1000,
      files: 3,
      updatedAt: '2026-01-02T03:04:05.000Z',
    });
  });

  test('tells only what the plugin has told', () => {
    const population = aPopulation();
    expect(resultRecorded(anObservation({ population }), { verification: 'none' }, NOW).progress).toEqual({
      percent: 100,
      updatedAt: '2026-01-02T03:04:05.000Z',
    });
  });
});
