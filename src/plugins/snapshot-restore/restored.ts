import type { PopulationResult } from '../../api/population.ts';

/** What came out of the snapshot. */
export type Restored = Required<Pick<PopulationResult, 'bytes' | 'files'>>;
