/**
 * The symbolic links of an archive by their place below the target, and where they lead. They are asked for each name and each link, so the answers must
 * not depend on how long the paths are that links make of each other: no path is ever put together.
 */
import type { Budget } from '../budget.ts';
import { type NameNode, NameTree } from './name-tree.ts';
import type { ByteString } from './tar-header.ts';

export interface Link {
  readonly target: ByteString;
}

/** As the kernel counts. */
const MAX_HOPS = 40;

/** A text that is being walked, and where its next part begins. */
interface Walk {
  readonly text: ByteString;
  from: number;
}

export class LinkTree<L extends Link> {
  readonly #budget: Budget;
  /** In the order in which they were set. */
  readonly #links = new Map<ByteString, L>();
  readonly #tree = new NameTree<L>();

  /** @param budget of parts of paths, for the whole job. */
  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get(name: ByteString): L | undefined {
    return this.#links.get(name);
  }

  has(name: ByteString): boolean {
    return this.#links.has(name);
  }

  set(name: ByteString, link: L): void {
    this.#links.set(name, link);
    this.#tree.enter(name).value = link;
    this.#budget.enter(name);
  }

  delete(name: ByteString): boolean {
    if (!this.#links.delete(name)) return false;
    this.#tree.enter(name).value = undefined;
    return true;
  }

  [Symbol.iterator](): MapIterator<[ByteString, L]> {
    return this.#links[Symbol.iterator]();
  }

  /** The link through which this name leads, if there is one. */
  onTheWay(name: ByteString): ByteString | undefined {
    return this.#links.size === 0 ? undefined : this.#tree.lastAbove(name, isLink);
  }

  /**
   * Whether following the link at `name` leaves the target, other links on its way included. A link that points nowhere or to itself stays inside.
   * @throws PermanentError `LimitExceeded`
   */
  leavesTarget(name: ByteString): boolean {
    const walks: Walk[] = [{ text: name, from: 0 }];
    let at: NameNode<L> = this.#tree.root;
    /** Parts below `at`, in directories on the way to no link. */
    let beyond = 0;
    let hops = 0;
    for (let walk = walks.at(-1); walk !== undefined; walk = walks.at(-1)) {
      const part = nextPart(walk);
      if (part === undefined) {
        walks.pop();
        continue;
      }
      this.#budget.spend(1);
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (beyond > 0) beyond--;
        else if (at.parent === undefined) return true;
        else at = at.parent;
        continue;
      }
      const child: NameNode<L> | undefined = beyond === 0 ? at.children?.get(part) : undefined;
      if (child?.value === undefined) {
        if (child === undefined) beyond++;
        else at = child;
        continue;
      }
      const { target } = child.value;
      if (target.startsWith('/')) return true;
      if (++hops > MAX_HOPS) return false;
      walks.push({ text: target, from: 0 });
    }
    return false;
  }
}

function isLink(value: Link | undefined): boolean {
  return value !== undefined;
}

/** Undefined behind the last one. */
function nextPart(walk: Walk): ByteString | undefined {
  const { text, from } = walk;
  if (from > text.length) return undefined;
  const slash = text.indexOf('/', from);
  const end = slash === -1 ? text.length : slash;
  walk.from = end + 1;
  return text.slice(from, end);
}
