import { releaseProgramText } from "../../core/mod.ts";

/** Every so many calls, once a second each, what drawing left behind is given back. */
const EACH = 20;
/** By then all that the screen needs has been loaded and shown. */
const FIRST_RELEASE = 10;

/** What keeps a process small that draws for hours; does nothing on runtimes that cannot be asked. */
export interface Collector {
  /** To be called once a second. */
  tick(): void;
}

export interface CollectorOptions {
  readonly collect: () => void;
  readonly release: () => void;
}

/**
 * The garbage of drawing is collected where the runtime, seeing a heap that grows slowly, would let minutes' pile up: that
 * takes some ten milliseconds, and times are the kernel's stamps and do not notice. And the pages of the program that only
 * starting up touched are let go of; some come back with each thing that is done for the first time.
 */
export function createCollector({ collect, release }: CollectorOptions = ours()): Collector {
  let ticks = 0;
  return {
    tick() {
      ticks += 1;
      if (ticks % EACH === 0) collect();
      if (ticks % EACH === FIRST_RELEASE) release();
    },
  };
}

function ours(): CollectorOptions {
  const { Bun: runtime } = globalThis as { readonly Bun?: { gc(isSynchronous: boolean): void } };
  return {
    collect: () => runtime?.gc(true),
    release: () => void releaseProgramText(),
  };
}
