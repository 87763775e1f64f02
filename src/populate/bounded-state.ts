import { jsonBytes, MAX_STATE_BYTES } from '../api/source-size.ts';

/** The answer of a plugin, whose state goes into the record of each claim. @throws RangeError where that is too large. */
export function boundedState<A extends object>(answer: A): A {
  const bytes = jsonBytes('state' in answer ? answer.state : undefined);
  if (bytes <= MAX_STATE_BYTES) return answer;
  throw new RangeError(`the state has ${bytes} bytes of JSON, and at most ${MAX_STATE_BYTES} are kept`);
}
