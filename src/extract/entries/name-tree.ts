/** Values by names, as a tree of the names' parts: a walk along a name takes time in proportion to the name, and ends where nothing is known any more. */
import type { ByteString } from './tar-header.ts';

export interface NameNode<T> {
  /** Undefined of the root. */
  readonly parent: NameNode<T> | undefined;
  /** By their parts; undefined where there is none. */
  children: Map<ByteString, NameNode<T>> | undefined;
  value: T | undefined;
}

export class NameTree<T> {
  /** Of the name ''. */
  readonly root: NameNode<T> = nodeBelow<T>(undefined);

  find(name: ByteString): NameNode<T> | undefined {
    let node: NameNode<T> | undefined = this.root;
    for (let from = 0; node !== undefined && from < name.length; ) {
      const end = partEnd(name, from);
      node = node.children?.get(name.slice(from, end));
      from = end + 1;
    }
    return node;
  }

  /** The node of the name, made where it is missing, as are those on the way. */
  enter(name: ByteString): NameNode<T> {
    let node: NameNode<T> = this.root;
    for (let from = 0; from < name.length; ) {
      const end = partEnd(name, from);
      node = childOf(node, name.slice(from, end));
      from = end + 1;
    }
    return node;
  }

  /** The last directory on the way to the name whose value passes; not the name itself. */
  lastAbove(name: ByteString, passes: (value: T | undefined) => boolean): ByteString | undefined {
    let found: ByteString | undefined;
    let node: NameNode<T> | undefined = this.root;
    for (let from = 0; node !== undefined && from < name.length; ) {
      if (passes(node.value)) found = name.slice(0, Math.max(0, from - 1));
      const end = partEnd(name, from);
      node = node.children?.get(name.slice(from, end));
      from = end + 1;
    }
    return found;
  }
}

function childOf<T>(node: NameNode<T>, part: ByteString): NameNode<T> {
  const child = node.children?.get(part);
  if (child !== undefined) return child;
  const made = nodeBelow(node);
  (node.children ??= new Map()).set(part, made);
  return made;
}

function nodeBelow<T>(parent: NameNode<T> | undefined): NameNode<T> {
  return { parent, children: undefined, value: undefined };
}

function partEnd(name: ByteString, from: number): number {
  const slash = name.indexOf('/', from);
  return slash === -1 ? name.length : slash;
}
