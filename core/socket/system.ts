import type { IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Libc } from "../ffi/libc.ts";
import { loadLibc } from "../ffi/load.ts";
import type { Network, SendOptions } from "../network.ts";

/** What the packets of a Network leave from, and how. */
export interface SystemNetworkOptions extends SendOptions {
  /** Every packet leaves with this source address. */
  readonly source?: IpAddress;
  /** Every packet leaves by this interface. */
  readonly interface?: string;
}

/**
 * The Network of this machine's kernel. Throws an Error where this platform has none, and SocketError (stage `socket`,
 * errno null) where the runtime cannot call the C library. What the host does not allow of the options is told when the
 * first socket opens, or a route is asked for: SocketError, stage `socket` or `bind`.
 */
export async function openSystemNetwork(options: SystemNetworkOptions = {}): Promise<Network> {
  if (process.platform !== "linux") throw new Error(`Cannot open sockets: ${process.platform} is not supported yet`);
  const { createLinuxNetwork } = await import("./linux.ts");
  return createLinuxNetwork(await callableLibc(), options);
}

async function callableLibc(): Promise<Libc> {
  try {
    return await loadLibc();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SocketError("socket", null, "call the C library", why);
  }
}
