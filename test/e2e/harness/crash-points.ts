/**
 * The controller's crash points: the steps of both paths in their order, a case for each, and the marks that they leave:
 * `<claim uid>-<point>`, in the directory that the controller was started with.
 */
import { readdirSync } from 'node:fs';
import type { ActionType } from '../../../src/populate/action.ts';

export const podSteps: readonly ActionType[] = [
  'ProtectClaim',
  'RecordPopulation',
  'Prepare',
  'CreatePrime',
  'StartAttempt',
  'CreatePod',
  'ReadProgress',
  'RecordFailure',
  'RecordResult',
  'DeletePod',
  'ReleasePod',
  'Rebind',
  'DeletePrime',
  'ReleasePrime',
  'ReleaseClaim',
  'RecordSuccess',
  'ReleasePopulation',
];
export const podlessSteps: readonly ActionType[] = [
  'ProtectClaim',
  'RecordPopulation',
  'CreatePrime',
  'StartAttempt',
  'CallPopulate',
  'CallComplete',
  'RecordProgress',
  'RecordResult',
  'Rebind',
  'CallCleanup',
  'DeletePrime',
  'ReleasePrime',
  'ReleaseClaim',
  'RecordSuccess',
  'ReleasePopulation',
];

export interface CrashCase {
  /** Of claim and source. */
  readonly name: string;
  /** `before-Rebind` and the like. */
  readonly point: string;
}

/** One case for each moment (before and after unless told) of each step. */
export function casesOf(
  label: string,
  steps: readonly ActionType[],
  moments: readonly ('before' | 'after')[] = ['before', 'after'],
): CrashCase[] {
  return steps.flatMap((step) =>
    moments.map((moment) => ({
      name: `${label}-${moment}-${step}`.toLowerCase(),
      point: `${moment}-${step}`,
    })),
  );
}

export interface Mark {
  readonly uid: string;
  readonly point: string;
}

export function marksIn(directory: string): Mark[] {
  return readdirSync(directory).flatMap((file) => {
    const match = /^([0-9a-f-]{36})-((?:before|after)-[A-Za-z]+)$/.exec(file);
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ uid: match[1], point: match[2] }];
  });
}
