import type { ReasonDoc } from './reasons.ts';

/** What the sweeper finds left over: reasons of its events, each on the object itself, and of its log lines. */
export const sweepReasons = {
  WorkLeft: { meaning: 'A record knows it; the ordinary work on its claim is taken up again.', help: '' },
  MadeForNobody: {
    meaning:
      'It was made for a Population that does not exist. If it is being deleted, the finalizer of Volprime is taken off; otherwise it is only told of.',
    help: 'Look at it, and delete it if it is not needed.',
  },
  HeldForNothing: {
    meaning:
      'The claim is being deleted and held by the finalizer of Volprime, but nothing was made for it. The finalizer is taken off.',
    help: '',
  },
  NoPluginToCleanUp: {
    meaning:
      'What is being deleted waits for a clean-up by a controller that has a plugin for this kind of source, and none does it.',
    help: 'Start that controller, or free it: docs/uninstall.md.',
  },
  NotProvenOurs: {
    meaning:
      'It bears a name, a label or a finalizer of Volprime, and nothing proves that Volprime made it. It is left alone.',
    help: 'Look at it, and delete it if it is not needed.',
  },
  RecordOutlivesClaim: {
    meaning: 'The claim of this Population is gone, and so is what was made for it. It is deleted.',
    help: '',
  },
  RecordTooNew: {
    meaning: 'The Population was written by a later version of Volprime. It is left alone, and so is its claim.',
    help: 'Run that version again, or a later one.',
  },
  VolumeOfNoPrime: {
    meaning:
      'A volume of a temporary claim that is gone. Where a record proves it, it is removed; otherwise it is told of in the log alone.',
    help: 'Look at the PersistentVolume, and delete it and its storage if it is not needed.',
  },
} as const satisfies Readonly<Record<string, Pick<ReasonDoc, 'meaning' | 'help'>>>;

export type SweepReason = keyof typeof sweepReasons;
