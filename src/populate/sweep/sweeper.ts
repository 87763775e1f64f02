/**
 * Looks for what is left over, at the start of a term and then at intervals: what the reconcile would not come back to by itself, because
 * no event tells of it, or because the record that would know it is gone. See docs/decisions for the list of leftovers.
 *
 * What is acted on or told has been found twice, so that two caches that are not yet of one time cause neither. A finding is told once,
 * as long as it stays the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventRecorder, Runnable } from '../../runtime/index.ts';
import type { Gauge, Logger, Metrics } from '../../telemetry/index.ts';
import type { PopulateContext } from '../context.ts';
import { carryOut, type SweepAccess, type SweepOutcome } from './act.ts';
import { decideSweep } from './decide.ts';
import { type Finding, findingActions, findingKinds } from './finding.ts';
import { observeSweep } from './observe.ts';

export interface SweeperOptions extends Pick<SweepAccess, 'client' | 'namespaces'> {
  readonly view: Pick<PopulateContext, 'stores' | 'plugins'>;
  /** Makes the claim with this UID due for the ordinary reconcile. */
  readonly resume: (claimUid: string) => void;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly intervalMs: number;
  /** Only tells what it would do. */
  readonly dryRun: boolean;
}

/** What was found for the first time is looked at again after this. */
const CONFIRM_MS = 30_000;

export class Sweeper implements Runnable {
  readonly name = 'sweeper';
  readonly #options: SweeperOptions;
  readonly #logger: Logger;
  readonly #orphans: Gauge;
  /** Findings of the last sweep, and whether they were told. */
  #known = new Map<string, { told: boolean }>();

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ controller: this.name });
    this.#orphans = options.metrics.gauge({
      name: 'volprime_orphans',
      help: 'What the last sweep found left over, by kind and by what is done about it.',
      labels: ['kind', 'action'],
    });
    this.#count([]);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { intervalMs } = this.#options;
      let unconfirmed = false;
      try {
        unconfirmed = await this.sweep(signal);
      } catch (error) {
        if (!signal.aborted) this.#logger.warn('the sweep failed; it is tried again', { error });
      }
      const pauseMs = unconfirmed ? Math.min(intervalMs, CONFIRM_MS) : intervalMs;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** One sweep. @returns whether something was found for the first time. */
  async sweep(signal: AbortSignal): Promise<boolean> {
    const findings = decideSweep(observeSweep(this.#options.view, this.#options.namespaces), Date.now());
    this.#count(findings);
    const before = this.#known;
    this.#known = new Map(findings.map((finding) => [identity(finding), { told: false }]));
    for (const finding of findings) {
      signal.throwIfAborted();
      if (finding.action === 'resume') {
        this.#options.resume(finding.claimUid ?? '');
        continue;
      }
      const known = before.get(identity(finding));
      if (known === undefined) continue;
      const outcome = await this.#actOn(finding, signal);
      if (!known.told) this.#tell(finding, outcome);
      this.#known.set(identity(finding), { told: true });
    }
    return findings.some((finding) => finding.action !== 'resume' && !before.has(identity(finding)));
  }

  async #actOn(finding: Finding, signal: AbortSignal): Promise<SweepOutcome> {
    if (finding.action === 'report') return 'done';
    if (this.#options.dryRun) return { left: 'dry run' };
    const { client, namespaces } = this.#options;
    return carryOut({ client, namespaces, signal }, finding);
  }

  #tell(finding: Finding, outcome: SweepOutcome): void {
    const { kind, action, reason, message, object } = finding;
    const { namespace, name, uid } = object.metadata;
    const fields = { kind, namespace, name, uid, action, reason };
    if (outcome === 'done') this.#logger.warn(`left over: ${message}`, fields);
    else this.#logger.warn(`left over, and left as it is: ${message}`, { ...fields, because: outcome.left });
    if (namespace === undefined) return;
    const done = action === 'report' ? '' : outcome === 'done' ? ` (${deeds[action]})` : ` (left: ${outcome.left})`;
    this.#options.events.emit({
      regarding: object,
      type: action === 'report' ? 'Warning' : 'Normal',
      reason,
      action: 'Sweep',
      note: `${message}${done}`,
    });
  }

  #count(findings: readonly Finding[]): void {
    for (const kind of findingKinds) {
      for (const action of findingActions) {
        const found = findings.filter((finding) => finding.kind === kind && finding.action === action);
        this.#orphans.set(found.length, { kind, action });
      }
    }
  }
}

const deeds = {
  resume: 'it is taken up again',
  release: 'the finalizer of Volprime was taken off',
  reclaim: 'it is removed',
  delete: 'it was deleted',
} as const;

function identity({ object, action, reason }: Finding): string {
  return `${object.metadata.uid}/${action}/${reason}`;
}
