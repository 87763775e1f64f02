/** What the fault proxy does to which requests. */

/** Which requests a rule is about; what is absent matches all. */
export interface Match {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** On path and query. */
  readonly url?: RegExp;
  readonly kind?: 'watch' | 'call';
  /** Whatever else matters; asked last. */
  readonly is?: (request: SeenRequest) => boolean;
}

export type Fault =
  /** The proxy answers; the server is not asked. */
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly reason?: string;
      readonly headers?: Record<string, string>;
    }
  /** The connection is reset before the server is asked, or after it did what was asked, instead of its answer. */
  | { readonly type: 'reset'; readonly when: 'before' | 'after' }
  /** Nothing happens any more, and the connection stays open. */
  | { readonly type: 'stall' }
  /** The request waits, or the server's answer to it. */
  | { readonly type: 'hold'; readonly when: 'before' | 'after'; readonly until: Promise<void> }
  /** Each line of a watch arrives that much later. */
  | { readonly type: 'late'; readonly ms: number }
  /** The server is asked something else. */
  | { readonly type: 'rewrite'; readonly url: (url: string) => string };

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly kind: 'watch' | 'call';
  /** Empty for a GET. */
  readonly body: string;
  /** Undefined while the answer is out, and when there was none. */
  status: number | undefined;
}

export interface HowOften {
  /** How many matching requests are hit; once unless told. */
  readonly times?: number;
  /** How many pass before the first. */
  readonly skip?: number;
  /** 2: every second one. */
  readonly every?: number;
}

interface Rule {
  readonly match: Match;
  readonly fault: Fault;
  readonly passBetween: number;
  skip: number;
  times: number;
}

export class FaultRules {
  #rules: Rule[] = [];
  #hits = 0;

  /** Requests that were hit so far, by rules that are cleared, too. */
  get hits(): number {
    return this.#hits;
  }

  /** Rules are asked in the order in which they were made. @returns what takes the rule away again. */
  add(match: Match, fault: Fault, { times = 1, every = 1, skip = every - 1 }: HowOften = {}): () => void {
    const rule = { match, fault, times, skip, passBetween: every - 1 };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== rule);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** How many requests the rules still wait for. */
  get pending(): number {
    return this.#rules.reduce((sum, rule) => sum + rule.times, 0);
  }

  /** Counts the request. */
  faultFor(request: SeenRequest): Fault | undefined {
    const rule = this.#rules.find(({ match, times }) => times > 0 && matches(match, request));
    if (rule === undefined) return undefined;
    if (rule.skip > 0) {
      rule.skip -= 1;
      return undefined;
    }
    rule.times -= 1;
    this.#hits += 1;
    rule.skip = rule.passBetween;
    return rule.fault;
  }
}

export function matches({ method, url, kind, is }: Match, request: SeenRequest): boolean {
  return (
    (method === undefined || method === request.method) &&
    (kind === undefined || kind === request.kind) &&
    (url === undefined || url.test(request.url)) &&
    (is === undefined || is(request))
  );
}
