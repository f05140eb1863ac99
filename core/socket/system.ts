import type { IpAddress } from "../address.ts";
import type { Network } from "../network.ts";

export interface SystemNetworkOptions {
  /** Every packet leaves with this source address. */
  readonly source?: IpAddress;
  /** Every packet leaves by this interface. */
  readonly interface?: string;
}

/** The Network of this machine's kernel. Throws an Error where this platform or runtime has none. */
export async function openSystemNetwork(options: SystemNetworkOptions = {}): Promise<Network> {
  if (process.platform !== "linux") throw new Error(`Cannot open sockets: ${process.platform} is not supported yet`);
  if (typeof Bun === "undefined") throw new Error("Cannot open sockets: only the Bun runtime is supported yet");
  const { createLinuxNetwork } = await import("./linux.ts");
  return createLinuxNetwork(options);
}
