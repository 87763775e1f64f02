/**
 * Imported first by the pod's entry. What the main thread makes dies at once, and its rings are no garbage at all: a young generation as large as
 * V8 would let it become is resident memory for nothing (make bench, "peak RSS").
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
