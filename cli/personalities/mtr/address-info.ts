import type { IpAddress } from "../../../core/mod.ts";
import type { AsnOf } from "../asn-of.ts";
import type { AddressInfo } from "./view.ts";

/** What is known of addresses beside their names, looked up beside the measuring, each address once. */
export interface Infos {
  want(address: IpAddress): void;
  of(address: IpAddress): AddressInfo | undefined;
  allSettled(): Promise<void>;
}

/** Without a source nothing is known of any address. */
export function createInfos(asnOf: AsnOf | undefined): Infos {
  const known = new Map<string, AddressInfo>();
  const waits = new Map<string, Promise<void>>();

  const lookUp = async (address: IpAddress, source: AsnOf): Promise<void> => {
    const numbers = await source(address);
    if (numbers !== undefined && numbers.length > 0) known.set(address.text, { asn: numbers.join(" ") });
  };

  return {
    want(address) {
      if (asnOf === undefined || waits.has(address.text)) return;
      waits.set(address.text, lookUp(address, asnOf));
    },
    of: (address) => known.get(address.text),
    async allSettled() {
      await Promise.all(waits.values());
    },
  };
}
