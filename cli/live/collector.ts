/** Every so many calls, once a second each, what drawing left behind is given back. */
const EACH = 5;

/**
 * What gives back what drawing leaves behind: tens of thousands of small objects a second, of which the runtime, seeing a
 * heap that grows slowly, would let half a minute's pile up. A collection takes some ten milliseconds, 0.3 % of a core at
 * this rate; times are the kernel's stamps and do not notice. Does nothing on runtimes that cannot be asked.
 */
export function createCollector(): () => void {
  const { Bun: runtime } = globalThis as { readonly Bun?: { gc(isSynchronous: boolean): void } };
  let calls = 0;
  return () => {
    calls += 1;
    if (calls % EACH === 0) runtime?.gc(true);
  };
}
