/** Commands that a pod asks to have run in it before and after its volume is captured. Pure. */
import * as z from 'zod';
import type { Pod } from '../../api/objects.ts';
import { PermanentError } from '../../sdk/index.ts';
import type { HookCommand, HookedPod } from './state.ts';

/** Annotations of the pod that uses the claim. The policy volprime-hooks lets only users with pods/exec write them. */
export const HOOK_PREFIX = { pre: 'pre.hook.snapshot.volprime.dev', post: 'post.hook.snapshot.volprime.dev' } as const;

const DEFAULT_TIMEOUT_SECONDS = 30;
/** One call of the plugin has to hold it. */
const MAX_TIMEOUT_SECONDS = 60;

const commandText = z.string().transform((text, context) => {
  try {
    return z.array(z.string()).min(1).parse(JSON.parse(text));
  } catch {
    context.addIssue('must be a JSON array of strings, for example ["/bin/sh", "-c", "sync"]');
    return z.NEVER;
  }
});
const seconds = z.coerce
  .number('must be a number of seconds')
  .int()
  .min(1)
  .max(MAX_TIMEOUT_SECONDS)
  .default(DEFAULT_TIMEOUT_SECONDS);

/**
 * The hooks of the pods that use a claim, those without any left out.
 *
 * @throws PermanentError `InvalidHook`, naming pod and annotation.
 */
export function hooksOf(users: readonly Pod[]): HookedPod[] {
  return users.flatMap((pod) => {
    const pre = hookOf(pod, 'pre');
    const post = hookOf(pod, 'post');
    if (pre === undefined && post === undefined) return [];
    const { name, uid } = pod.metadata;
    return [{ pod: name, podUid: uid, ...(pre && { pre }), ...(post && { post }) }];
  });
}

function hookOf(pod: Pod, when: keyof typeof HOOK_PREFIX): HookCommand | undefined {
  const prefix = HOOK_PREFIX[when];
  const annotation = (name: string) => pod.metadata.annotations?.[`${prefix}/${name}`];
  const text = annotation('command');
  if (text === undefined) return undefined;
  const command = parse(pod, `${prefix}/command`, commandText, text);
  const timeout = parse(pod, `${prefix}/timeout`, seconds, annotation('timeout'));
  const containers = pod.spec.containers?.map(({ name }) => name) ?? [];
  const container = annotation('container') ?? containers[0] ?? '';
  if (!containers.includes(container))
    throw invalid(pod, `${prefix}/container`, `names no container of the pod; it has ${containers.join(', ')}`);
  return { command, container, timeoutMs: timeout * 1000 };
}

function parse<T>(pod: Pod, annotation: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(pod, annotation, parsed.error.issues.map(({ message }) => message).join('; '));
}

function invalid(pod: Pod, annotation: string, why: string): PermanentError {
  return new PermanentError('InvalidHook', `annotation ${annotation} of pod ${pod.metadata.name}: ${why}`);
}
