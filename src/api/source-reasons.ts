/** Why the spec of a source keeps a claim waiting, whatever its kind: a part of the vocabulary in reasons.ts. */
export const sourceReasons = {
  SourceTooLarge: {
    next: 'waits',
    meaning: 'The spec of the source is larger than 64 KiB.',
    help: 'Make it smaller, or divide it; the claim goes on by itself.',
  },
  SourceSpecChanged: {
    next: 'retries',
    meaning:
      'The source was changed or deleted while the claim was populated, and its spec is too large (above 4 KiB) to be kept in the record: the volume is thrown away.',
    help: 'Nothing: the claim is populated from the source as it is now, or waits for one. Does not count towards the limit of attempts.',
  },
} as const;
