/** Nodes are looked at one by one, live, when a volume does not come: what a controller needs to know of them is not worth a watch. */
import { nodes } from '../../api/resources.ts';
import { done, type Outcome } from '../../runtime/index.ts';
import type { StepContext } from '../context.ts';
import type { Observation } from '../observation.ts';

export async function lookForNode(context: StepContext, o: Observation, node: string): Promise<Outcome> {
  const found = await context.client.get(nodes, { name: node }, { signal: context.signal });
  context.memory.update(o.uid, { nodeLook: { node, at: context.now(), gone: found === undefined } });
  return done;
}
