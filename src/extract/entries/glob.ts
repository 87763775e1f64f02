/**
 * Globs without backtracking: a pattern becomes a graph of states, and a name is read once, character by character, with the set of states that it may be
 * in. The time is the product of both lengths at most, whatever they say.
 *
 * It means what picomatch means by these patterns (glob.test.ts compares them); parentheses, quotes and "+" are characters like any other.
 */
import { parseGlob, type GlobNode } from './glob-parser.ts';

type State =
  | { readonly kind: 'character'; readonly matches: (code: number) => boolean; readonly next: number }
  | { readonly kind: 'fork'; readonly next: readonly number[] }
  | { readonly kind: 'accept' };

const SLASH = 0x2f;
const ACCEPT = 0;

export class Glob {
  readonly #states: State[] = [{ kind: 'accept' }];
  readonly #start: number;
  /** In which round each state was entered last. */
  readonly #entered: Uint32Array;
  #round = 0;

  /** @param patterns of which one must match. */
  constructor(patterns: readonly string[]) {
    const starts = patterns.map((pattern) => this.#sequence(parseGlob(pattern), ACCEPT));
    this.#start = this.#fork(starts);
    this.#entered = new Uint32Array(this.#states.length);
  }

  /**
   * Whether a pattern matches the name or a directory on its way.
   * @param spend gets the number of steps as they are taken; what it throws ends the match.
   */
  matches(name: string, spend: (steps: number) => void): boolean {
    let states = this.#enter([this.#start]);
    for (let index = 0; index < name.length && states.length > 0; index++) {
      const code = name.charCodeAt(index);
      if (code === SLASH && this.#accepts()) return true;
      spend(states.length);
      states = this.#step(states, code);
    }
    return this.#accepts();
  }

  #step(states: readonly number[], code: number): number[] {
    const next: number[] = [];
    for (const place of states) {
      const state = this.#states[place];
      if (state?.kind === 'character' && state.matches(code)) next.push(state.next);
    }
    return this.#enter(next);
  }

  /** @returns these states and all that they lead to without a character, each once. */
  #enter(places: number[]): number[] {
    if (this.#round === MAX_ROUND) this.#entered.fill(0);
    this.#round = this.#round === MAX_ROUND ? 1 : this.#round + 1;
    const entered: number[] = [];
    for (let place = places.pop(); place !== undefined; place = places.pop()) {
      if (this.#entered[place] === this.#round) continue;
      this.#entered[place] = this.#round;
      entered.push(place);
      const state = this.#states[place];
      if (state?.kind === 'fork') places.push(...state.next);
    }
    return entered;
  }

  #accepts(): boolean {
    return this.#entered[ACCEPT] === this.#round;
  }

  /** @returns where to begin so that all of the nodes lead to `next`. */
  #sequence(nodes: readonly GlobNode[], next: number): number {
    return nodes.reduceRight((after, node) => this.#node(node, after), next);
  }

  #node(node: GlobNode, next: number): number {
    switch (node.kind) {
      case 'character':
        return this.#add({ kind: 'character', matches: node.matches, next });
      case 'repeat': {
        const again: number[] = [];
        const fork = this.#fork(again);
        again.push(this.#add({ kind: 'character', matches: node.matches, next: fork }), next);
        return fork;
      }
      case 'either':
        return this.#fork(node.sequences.map((sequence) => this.#sequence(sequence, next)));
    }
  }

  #fork(next: readonly number[]): number {
    return this.#add({ kind: 'fork', next });
  }

  #add(state: State): number {
    this.#states.push(state);
    return this.#states.length - 1;
  }
}

const MAX_ROUND = 2 ** 32 - 1;
