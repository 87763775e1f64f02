/** What is examined, and what the kit is told of the world outside of the plugin. */
import type { Plugin } from '../plugin.ts';

export interface Subject {
  /** The plugin, or better a function that makes it: each call of it stands for a restart of the controller, in which memory is lost. */
  readonly plugin: Plugin | (() => Plugin | Promise<Plugin>);
  /** The spec of a source with which a population succeeds, quickly. */
  readonly spec: unknown;
  /** Specs with which nothing can be done. */
  readonly badSpecs?: readonly unknown[];
  readonly outside?: Outside;
  /** How long one call may take, and how long one that was told to stop; milliseconds, default 5,000 and 1,000. */
  readonly limits?: { readonly callMs?: number; readonly stopMs?: number };
}

/** The service that does the work. The more of this is given, the more can be seen. */
export interface Outside {
  /** How often work was begun there, ever. */
  readonly begun?: () => number | Promise<number>;
  /** How many pieces of work it still remembers. */
  readonly left?: () => number | Promise<number>;
  /** From now on it does not answer, until the returned function is called. */
  readonly hang?: () => Undo | Promise<Undo>;
  /** From now on it answers with errors, until the returned function is called. */
  readonly fail?: () => Undo | Promise<Undo>;
}

export type Undo = () => void | Promise<void>;
