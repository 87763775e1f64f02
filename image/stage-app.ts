/**
 * Writes what changes with the sources into a directory, as it lies in the image: `node image/stage-app.ts DIRECTORY`.
 * For the Dockerfile, which takes Node and its libraries from a base image.
 */
import { resolve } from 'node:path';
import { stageApp } from './rootfs.ts';

const directory = process.argv[2];
if (directory === undefined) throw new Error('name the directory');
await stageApp(resolve(import.meta.dirname, '..'), resolve(directory));
