/**
 * Globs without backtracking: a pattern becomes a graph of states, and a name is read once, character by character, with the set of states that it may be
 * in. The time is the product of both lengths at most, whatever they say; of names that resemble each other it is their length.
 *
 * It means what picomatch means by these patterns (glob.test.ts compares them); parentheses, quotes and "+" are characters like any other.
 */
import { parseGlob, type GlobNode } from './glob-parser.ts';

type State =
  | { readonly kind: 'character'; readonly matches: (code: number) => boolean; readonly next: number }
  | { readonly kind: 'fork'; readonly next: readonly number[] }
  | { readonly kind: 'accept' };

/** The states that a name may be in behind one of its characters. */
interface Place {
  readonly states: readonly number[];
  readonly accepts: boolean;
  /** By the next character, as far as they are known. Undefined where the states are too many to be kept. */
  readonly next: Map<number, Place> | undefined;
}

/** Names of an archive resemble each other: where they lead is kept, as long as it is little. */
const FEW = 64;
const MOST_KEPT = 1000;

const SLASH = 0x2f;
const ACCEPT = 0;

export class Glob {
  readonly #states: State[] = [{ kind: 'accept' }];
  /** In which round each state was entered last. */
  readonly #entered: Uint32Array;
  #round = 0;
  /** By their states. */
  readonly #kept = new Map<string, Place>();
  readonly #first: Place;

  /** @param patterns of which one must match. */
  constructor(patterns: readonly string[]) {
    const starts = patterns.map((pattern) => this.#sequence(parseGlob(pattern), ACCEPT));
    const start = this.#fork(starts);
    this.#entered = new Uint32Array(this.#states.length);
    this.#first = this.#placeOf(this.#enter([start]));
  }

  /**
   * Whether a pattern matches the name or a directory on its way.
   * @param spend gets the number of steps as they are taken; what it throws ends the match.
   */
  matches(name: string, spend: (steps: number) => void): boolean {
    let place = this.#first;
    let known = 0;
    for (let index = 0; index < name.length && place.states.length > 0; index++) {
      const code = name.charCodeAt(index);
      if (code === SLASH && place.accepts) return true;
      const next = place.next?.get(code);
      if (next === undefined) spend(place.states.length);
      else known++;
      place = next ?? this.#step(place, code);
    }
    spend(known);
    return place.accepts;
  }

  #step(from: Place, code: number): Place {
    const next: number[] = [];
    for (const number of from.states) {
      const state = this.#states[number];
      if (state?.kind === 'character' && state.matches(code)) next.push(state.next);
    }
    const place = this.#placeOf(this.#enter(next));
    if (place.next !== undefined) from.next?.set(code, place);
    return place;
  }

  /** @returns these states and all that they lead to without a character, each once. */
  #enter(ahead: number[]): number[] {
    if (this.#round === MAX_ROUND) this.#entered.fill(0);
    this.#round = this.#round === MAX_ROUND ? 1 : this.#round + 1;
    const entered: number[] = [];
    for (let number = ahead.pop(); number !== undefined; number = ahead.pop()) {
      if (this.#entered[number] === this.#round) continue;
      this.#entered[number] = this.#round;
      entered.push(number);
      const state = this.#states[number];
      if (state?.kind === 'fork') for (const next of state.next) ahead.push(next);
    }
    return entered;
  }

  #placeOf(states: number[]): Place {
    const accepts = this.#entered[ACCEPT] === this.#round;
    if (states.length > FEW) return { states, accepts, next: undefined };
    const key = states.sort((a, b) => a - b).join();
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    if (this.#kept.size === MOST_KEPT) this.#forget();
    const place = { states, accepts, next: new Map() };
    this.#kept.set(key, place);
    return place;
  }

  #forget(): void {
    for (const place of this.#kept.values()) place.next?.clear();
    this.#kept.clear();
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
