/**
 * Trees of files and block devices: walked, described by a manifest, copied, compared.
 *
 * Called by the execution halves of the snapshot plugins, and by `restic` for its way to run programs. It must not know Kubernetes, nor
 * repositories. Names are bytes throughout; memory does not grow with the number of files.
 */
export { type ByteString, byteStringOfText, comparePaths, parentOf, printable } from './bytes.ts';
export { compareExtents, inExtents, readDevice, requireDevice, writeDevice } from './extents.ts';
export { describeDevice } from './describe-device.ts';
export { copyTree } from './copy.ts';
export { cleanTree } from './clean.ts';
export { compareTree } from './compare.ts';
export { fidelityOf } from './differences.ts';
export { OF_THE_FILE_SYSTEM, readEntry } from './entry.ts';
export { splitLines } from './lines.ts';
export type { ManifestEntry, ManifestHeader, ManifestRecord, Totals } from './manifest.ts';
export { type Program, runProgram, startProgram } from './program.ts';
export { readManifest } from './read-manifest.ts';
export { describeTree, type TreeDescription } from './describe.ts';
export type { EarlierManifest } from './earlier.ts';
export { findDirectory, finishRoot, sizeOfDirectory } from './root.ts';
export { readText, writeText } from './scratch.ts';
export type { Manifest } from './whole-manifest.ts';
