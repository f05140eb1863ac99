import type { IpAddress } from "../address.ts";
import { isPublicAddress, type Origin, type OriginField, type OriginLookup } from "./origin.ts";

/** Origins of responders, looked up beside the trace, each address once, all at the same time. */
export interface Origins {
  /** Starts to look an address up, unless that was done before. */
  want(address: IpAddress): void;
  /** Undefined: none, or not known yet. */
  of(address: IpAddress): Origin | undefined;
  /** False while an answer may still be worth waiting for. */
  settled(address: IpAddress): boolean;
  /** The origin once it is settled: at most the patience after the first `want`. */
  ask(address: IpAddress): Promise<Origin | undefined>;
  /** Resolves once every address is settled. */
  allSettled(): Promise<void>;
}

/** How origins are looked up. */
export interface OriginsOptions {
  /** Asked in order until one knows; a source that fails does not know. */
  readonly sources: readonly OriginLookup[];
  /** Without this field the next source is asked as well, and what both say is put together; default `asns`. */
  readonly field?: OriginField;
  /** How long to wait for one address, milliseconds; default 1500. A later answer is used where it still can be. */
  readonly patienceMs?: number;
  /** An address has just been settled, or a late answer came. */
  readonly onSettled?: () => void;
}

const PATIENCE_MS = 1500;

/**
 * Asks sources in order until one knows the field, and puts together what they say; the first word counts. Never rejects:
 * an origin that cannot be had is one that is not shown.
 */
export function joinOriginLookups(sources: readonly OriginLookup[], field: OriginField = "asns"): OriginLookup {
  return async (address) => {
    let known: Origin | undefined;
    for (const source of sources) {
      try {
        const origin = await source(address);
        if (origin !== undefined) known = { ...origin, ...known };
        if (known?.[field] !== undefined) break;
      } catch {
        // The next source may know.
      }
    }
    return known;
  };
}

/** Looks origins up beside a trace, each address once, all at the same time. */
export function createOrigins(options: OriginsOptions): Origins {
  const { sources, field, patienceMs = PATIENCE_MS, onSettled } = options;
  const join = joinOriginLookups(sources, field);
  const known = new Map<string, Origin>();
  const waits = new Map<string, Promise<void>>();
  const open = new Set<string>();

  const lookUp = async (address: IpAddress): Promise<void> => {
    const origin = await join(address);
    if (origin !== undefined) known.set(address.text, origin);
  };

  const want = (address: IpAddress): Promise<void> => {
    const key = address.text;
    const begun = waits.get(key);
    if (begun !== undefined) return begun;
    if (!isPublicAddress(address)) {
      waits.set(key, Promise.resolve());
      return Promise.resolve();
    }
    open.add(key);
    const wait = new Promise<void>((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        open.delete(key);
        resolve();
        onSettled?.();
      };
      const timer = setTimeout(settle, patienceMs);
      void lookUp(address).then(settle);
    });
    waits.set(key, wait);
    return wait;
  };

  return {
    want: (address) => void want(address),
    of: (address) => known.get(address.text),
    settled: (address) => !open.has(address.text),
    async ask(address) {
      await want(address);
      return known.get(address.text);
    },
    async allSettled() {
      await Promise.all(waits.values());
    },
  };
}
