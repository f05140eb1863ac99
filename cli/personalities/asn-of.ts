import type { IpAddress } from "../../core/mod.ts";

/** The numbers of the networks (AS) that announce an address; undefined: unknown. Bounded in time; never rejects. */
export type AsnOf = (address: IpAddress) => Promise<readonly number[] | undefined>;
