import type { IpAddress, Origin, OriginLookup } from "../../../core/mod.ts";

/** What is known of addresses beside their names, looked up beside the measuring, each address once. */
export interface Infos {
  want(address: IpAddress): void;
  of(address: IpAddress): Origin | undefined;
  allSettled(): Promise<void>;
}

/** Without a source nothing is known of any address. */
export function createInfos(originOf: OriginLookup | undefined): Infos {
  const known = new Map<string, Origin>();
  const waits = new Map<string, Promise<void>>();

  const lookUp = async (address: IpAddress, source: OriginLookup): Promise<void> => {
    const origin = await source(address);
    if (origin !== undefined) known.set(address.text, origin);
  };

  return {
    want(address) {
      if (originOf === undefined || waits.has(address.text)) return;
      waits.set(address.text, lookUp(address, originOf));
    },
    of: (address) => known.get(address.text),
    async allSettled() {
      await Promise.all(waits.values());
    },
  };
}
