import { type IpAddress, parseAddress } from "./address.ts";

/** The name of an address, undefined where it has none. May reject or never settle. */
export type ReverseLookup = (address: IpAddress) => Promise<string | undefined>;

/** Names of responders, looked up beside the trace, each address once. */
export interface Names {
  /** Starts to look an address up, unless that was done before. */
  want(address: IpAddress): void;
  /** The name, as the resolver gave it: hostile text. Undefined: none, or not known yet. */
  of(address: IpAddress): string | undefined;
  /** False while an answer may still be worth waiting for. */
  settled(address: IpAddress): boolean;
  /** Resolves once this address is settled. */
  whenSettled(address: IpAddress): Promise<void>;
  /** Resolves once every address is settled: at most the patience after the last `want`. */
  allSettled(): Promise<void>;
}

/** How names are looked up. */
export interface NamesOptions {
  /** Default: getnameinfo(3), which reads /etc/hosts. */
  readonly reverse?: ReverseLookup;
  /** How long to wait for one name, milliseconds; default 500. A later answer is used where it still can be. */
  readonly patienceMs?: number;
  /** An address has just been settled, or a late answer came. */
  readonly onSettled?: () => void;
}

const PATIENCE_MS = 500;

/** Names of nothing, for those who want numbers. */
export const noNames: Names = {
  want() {},
  of: () => undefined,
  settled: () => true,
  whenSettled: () => Promise.resolve(),
  allSettled: () => Promise.resolve(),
};

/** Looks names up beside a trace, each address once, all at the same time. */
export function createNames({
  reverse = reverseSystem,
  patienceMs = PATIENCE_MS,
  onSettled,
}: NamesOptions = {}): Names {
  const names = new Map<string, string | undefined>();
  const waits = new Map<string, Promise<void>>();
  const open = new Set<string>();

  const lookUp = async (address: IpAddress): Promise<void> => {
    try {
      names.set(address.text, usableName(await reverse(address)));
    } catch {
      // A name that cannot be had is a name that is not shown.
      names.set(address.text, undefined);
    }
  };

  return {
    want(address) {
      const key = address.text;
      if (waits.has(key)) return;
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
    },
    of: (address) => names.get(address.text),
    settled: (address) => !open.has(address.text),
    whenSettled: (address) => waits.get(address.text) ?? Promise.resolve(),
    async allSettled() {
      await Promise.all(waits.values());
    },
  };
}

/** RFC 1035 §3.1 bounds names at 255 octets; a "name" that reads as an address would forge one. */
function usableName(name: string | undefined): string | undefined {
  const bare = name?.replace(/\.$/, "") ?? "";
  return bare === "" || bare.length > 1020 || parseAddress(bare) !== undefined ? undefined : bare;
}

async function reverseSystem(address: IpAddress): Promise<string | undefined> {
  const { lookupService } = await import("node:dns/promises");
  const { hostname } = await lookupService(address.text, 0);
  return hostname;
}
