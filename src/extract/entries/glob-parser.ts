/** From the text of a glob to what it consists of. Each text has a meaning: what is not closed stands for itself. */

export type GlobNode =
  | { readonly kind: 'character'; readonly matches: Matches }
  /** Any number of such characters, none included. */
  | { readonly kind: 'repeat'; readonly matches: Matches }
  | { readonly kind: 'either'; readonly sequences: readonly (readonly GlobNode[])[] };

/** Of a UTF-16 code unit. */
type Matches = (code: number) => boolean;

const SLASH = 0x2f;
const ANY: Matches = () => true;
const WITHIN_A_PART: Matches = (code) => code !== SLASH;

export function parseGlob(pattern: string): readonly GlobNode[] {
  const text = pattern.replace(DEEP_AGAIN, '');
  const nodes = new Parser(text).sequence(0, text.length);
  // A name that is spelled as the pattern is matches, too: "a[1].txt" is the name of a file as well.
  return MAGIC.test(pattern) ? [either(nodes, literal(pattern))] : nodes;
}

/** Behind a "**", another one says nothing more. */
const DEEP_AGAIN = /(?<=(?:^|\/)\*\*)(?:\/\*\*)+(?=\/|$)/g;
const MAGIC = /[*?[\]{}\\]/;

class Parser {
  readonly #text: string;
  /** The place of the brace that closes the one at a place, where it has a comma or a range. */
  readonly #braces: ReadonlyMap<number, Braces>;

  constructor(text: string) {
    this.#text = text;
    this.#braces = bracesOf(text);
  }

  sequence(from: number, to: number): GlobNode[] {
    const nodes: GlobNode[] = [];
    for (let at = from; at < to; ) {
      const deep = this.#deep(at, from, to);
      const found = deep ?? this.#one(at, to);
      nodes.push(...found.nodes);
      at = found.end;
    }
    return nodes;
  }

  #one(at: number, to: number): Found {
    const character = this.#text.charAt(at);
    switch (character) {
      case '*': {
        let end = at;
        while (end < to && this.#text.charAt(end) === '*') end++;
        return { nodes: [{ kind: 'repeat', matches: WITHIN_A_PART }], end };
      }
      case '?':
        return { nodes: [{ kind: 'character', matches: WITHIN_A_PART }], end: at + 1 };
      case '[':
        return this.#bracket(at, to) ?? this.#literal(at);
      case '{':
        return this.#brace(at) ?? this.#literal(at);
      case '\\':
        return this.#literal(at + 1 < to ? at + 1 : at);
      default:
        return this.#literal(at);
    }
  }

  #literal(at: number): Found {
    return { nodes: literal(this.#text.charAt(at)), end: at + 1 };
  }

  /**
   * "**" as a whole part of the path: any number of parts, none included, so that one of the slashes around it belongs to it. At the pattern's end it is the
   * one before, since "a/**" matches "a"; but "a*" followed by it has the slash: "*" and it together are all that lies in directories, not what lies beside them.
   */
  #deep(at: number, from: number, to: number): Found | undefined {
    const text = this.#text;
    if (text.startsWith('/**', at) && at > from && at + 3 === text.length) {
      const below: readonly GlobNode[] = [...literal('/'), { kind: 'repeat', matches: ANY }];
      return { nodes: this.#isStar(at - 1) ? below : [either(below, [])], end: at + 3 };
    }
    if (!text.startsWith('**', at) || (at > from && text.charAt(at - 1) !== '/')) return undefined;
    const all: GlobNode = { kind: 'repeat', matches: ANY };
    const end = at + 2;
    if (end === to || text.charAt(end) === '{' || DEEP_ENDING.test(text)) return { nodes: [all], end };
    if (text.charAt(end) !== '/') return undefined;
    // The beginning of a choice may stand behind anything: there the slash is needed.
    if (at === from && from > 0) return { nodes: [all], end };
    return { nodes: [either([all, ...literal('/')], [])], end: end + 1 };
  }

  #isStar(at: number): boolean {
    const escapes = /\\*$/.exec(this.#text.slice(0, at))?.[0].length ?? 0;
    return this.#text.charAt(at) === '*' && escapes % 2 === 0;
  }

  #brace(at: number): Found | undefined {
    const braces = this.#braces.get(at);
    if (braces === undefined) return undefined;
    const { choices, end } = braces;
    const range = RANGE.exec(this.#text.slice(at, end));
    if (range !== null) {
      const [low = 0, high = 0] = [range[1], range[2]].map((bound = '') => bound.charCodeAt(0)).sort((a, b) => a - b);
      return { nodes: [{ kind: 'character', matches: (code) => code >= low && code <= high }], end };
    }
    return { nodes: [either(...choices.map(({ from, to }) => this.sequence(from, to)))], end };
  }

  /** "[a-z]", "[^a]", "[[:digit:]]"; "]" stands for itself in the first place. Without anything special in it, it may mean its own text as well. */
  #bracket(at: number, to: number): Found | undefined {
    const text = this.#text;
    const negated = text.charAt(at + 1) === '^';
    const tests: Matches[] = [];
    let special = negated;
    const first = at + (negated ? 2 : 1);
    let index = first;
    for (; index < to && (text.charAt(index) !== ']' || index === first); ) {
      const posix = POSIX_CLASS.exec(text.slice(index, index + 12));
      const named = POSIX.get(posix?.[1] ?? '');
      if (posix !== null && named !== undefined) {
        tests.push((code) => named.test(String.fromCharCode(code)));
        index += posix[0].length;
        special = true;
        continue;
      }
      const [low, afterLow] = this.#member(index, to);
      const isRange = text.charAt(afterLow) === '-' && afterLow + 1 < to && text.charAt(afterLow + 1) !== ']';
      const [high, after] = isRange ? this.#member(afterLow + 1, to) : [low, afterLow];
      tests.push((code) => code >= low && code <= high);
      special ||= isRange || SPECIAL.test(text.slice(index, after));
      index = after;
    }
    if (index >= to) return undefined;
    const end = index + 1;
    const matches: Matches = (code) => code !== SLASH && tests.some((test) => test(code)) !== negated;
    const node: GlobNode = { kind: 'character', matches };
    return { nodes: special ? [node] : [either([node], literal(text.slice(at, end)))], end };
  }

  #member(at: number, to: number): [code: number, end: number] {
    const place = this.#text.charAt(at) === '\\' && at + 1 < to ? at + 1 : at;
    return [this.#text.charCodeAt(place), place + 1];
  }
}

/** "**.txt" is written for "**\/*.txt". */
const DEEP_ENDING = /^\*\*(\.\w+)+$/;

interface Found {
  readonly nodes: readonly GlobNode[];
  readonly end: number;
}

/** From the first character of each choice to the one behind it. */
interface Braces {
  readonly choices: readonly { readonly from: number; readonly to: number }[];
  readonly end: number;
}

const RANGE = /^\{([^,{}])\.\.([^,{}])\}$/;
const SPECIAL = /[-*+?.^${}(|)[\]\\]/;
const POSIX_CLASS = /^\[:([a-z]+):\]/;
const POSIX: ReadonlyMap<string, RegExp> = new Map([
  ['alnum', /[a-zA-Z0-9]/],
  ['alpha', /[a-zA-Z]/],
  ['ascii', /\p{ASCII}/u],
  ['blank', /[ \t]/],
  ['cntrl', /(?=\p{ASCII})\p{Cc}/u],
  ['digit', /[0-9]/],
  ['graph', /[\x21-\x7e]/],
  ['lower', /[a-z]/],
  ['print', /[\x20-\x7e]/],
  ['punct', /[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]/],
  ['space', /[ \t\r\n\v\f]/],
  ['upper', /[A-Z]/],
  ['word', /[A-Za-z0-9_]/],
  ['xdigit', /[A-Fa-f0-9]/],
]);

/** Those that offer a choice, by their places; what is escaped or stands in brackets does not count. */
function bracesOf(text: string): ReadonlyMap<number, Braces> {
  const found = new Map<number, Braces>();
  const open: { readonly at: number; readonly commas: number[] }[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\') at++;
    else if (character === '[') at = Math.max(at, bracketEnd(text, at));
    else if (character === '{') open.push({ at, commas: [] });
    else if (character === ',') open.at(-1)?.commas.push(at);
    else if (character === '}') {
      const innermost = open.pop();
      if (innermost === undefined) continue;
      const borders = [innermost.at, ...innermost.commas, at];
      const choices = borders.slice(1).map((to, index) => ({ from: (borders[index] ?? 0) + 1, to }));
      const end = at + 1;
      if (choices.length > 1 || RANGE.test(text.slice(innermost.at, end))) found.set(innermost.at, { choices, end });
    }
  }
  return found;
}

/** @returns the place of the bracket that closes the one at `at`; -1 where there is none. */
function bracketEnd(text: string, at: number): number {
  const first = at + (text.charAt(at + 1) === '^' ? 2 : 1);
  for (let index = first; index < text.length; index++) {
    if (text.charAt(index) === '\\') index++;
    else if (text.charAt(index) === ']' && index > first) return index;
  }
  return -1;
}

function literal(text: string): GlobNode[] {
  return [...Array(text.length).keys()].map((index) => {
    const expected = text.charCodeAt(index);
    return { kind: 'character', matches: (code) => code === expected };
  });
}

function either(...sequences: readonly (readonly GlobNode[])[]): GlobNode {
  return { kind: 'either', sequences };
}
