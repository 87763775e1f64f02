/**
 * Names, schemas and object shapes: the vocabulary of Volprime.
 *
 * Every other room imports it; it imports nothing but zod and must not know how an API server is reached.
 */
export * from './conditions.ts';
export * from './errors.ts';
export * from './names.ts';
export type * from './objects.ts';
export * from './pod-settings.ts';
export * from './population.ts';
export * from './provider.ts';
export * from './reasons.ts';
export * from './reference-grant.ts';
export * from './resources.ts';
export * from './snapshot-reasons.ts';
export * from './snapshot-restore.ts';
export * from './snapshots.ts';
export * from './volume-capture.ts';
export * from './volume-populator.ts';
