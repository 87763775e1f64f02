/** What the kernel refuses to start a container with, told before the pod is made: `exec` fails with E2BIG, and every attempt would. */
import type { PodTemplate } from '../sdk/index.ts';
import { PermanentError } from '../sdk/index.ts';

/** MAX_ARG_STRLEN of Linux: bytes of one argument, or of one variable with its name and "=", and of the zero after it. */
export const MAX_EXEC_STRING = 131_072;

/** @throws PermanentError `InvalidSource`, naming the text. */
export function refuseLongTexts({ command = [], args = [], env = {} }: Pick<PodTemplate, 'command' | 'args' | 'env'>) {
  const texts = [
    ...[...command, ...args].map((text, index) => [`argument ${index}`, text] as const),
    ...Object.entries(env).map(([name, value]) => [`variable ${name}`, `${name}=${value}`] as const),
  ];
  for (const [what, text] of texts) {
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes <= MAX_EXEC_STRING) continue;
    const message = `${what} of the populator pod has ${bytes} bytes; Linux starts no process with more than ${MAX_EXEC_STRING}. Make the spec of the source smaller.`;
    throw new PermanentError('InvalidSource', message);
  }
}
