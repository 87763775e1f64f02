/**
 * A process that campaigns for a lease and, while it leads, writes its name into a ConfigMap as fast as it can, with no precondition at
 * all: only the lease and the gate keep two of them apart. Serves metrics, as a controller with 3,000 records does. Started by leader.test.ts; says on
 * stdout what happens to it, a word a line.
 */
import { connect, isKubeError } from '../../src/kube/index.ts';
import { gated, Leader, terminationSignal } from '../../src/runtime/index.ts';
import { createLogger, createMetrics, serveMetrics } from '../../src/telemetry/index.ts';
import { configMaps } from './control-plane.ts';

const [kubeconfig, namespace = '', identity = '', leaseMs = '', renewMs = '', retryMs = ''] = process.argv.slice(2);
const say = (word: string) => process.stdout.write(`${word}\n`);

const logger = createLogger({ level: 'debug', format: 'json', stream: process.stderr });
const metrics = createMetrics();
const client = connect({ kubeconfig, userAgent: identity, metrics, logger });
const timings = { leaseMs: Number(leaseMs), renewMs: Number(renewMs), retryMs: Number(retryMs) };
const leader = new Leader({ client, name: 'leader', namespace, identity, timings, logger, metrics });
const writer = gated(client, leader);
const stop = terminationSignal(logger);

const created = Array.from({ length: 3_000 }, (_, index) => new Date(Date.now() - index).toISOString());
const ages = () => created.map((time) => (Date.now() - Date.parse(time)) / 1000);
metrics.gauge({ name: 'oldest', help: 'Age.' }).observe(() => ages().reduce((most, age) => Math.max(most, age), 0));
const served = await serveMetrics({ port: 0, host: '127.0.0.1', metrics });
say(`serving ${served.port}`);

say('campaigning');
const term = await leader.campaign(stop);
say('leading');
for (let nth = 0; !stop.aborted; nth += 1) {
  try {
    // Not the term's signal: the gate alone has to hold.
    await writer.mergePatch(configMaps, { namespace, name: 'written' }, { data: { by: identity, nth: String(nth) } });
  } catch (error) {
    if (isKubeError(error, 'KUBE_UNREACHABLE', 'KUBE_TIMEOUT')) continue;
    if (!isKubeError(error, 'KUBE_LEADERSHIP_LOST')) throw error;
    say(`refused ${term.aborted ? 'after' : 'before'} the signal`);
    break;
  }
}
await leader.resign();
await client.close();
await served.close();
say('ended');
