import type { IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import { loadDarwinLibc, loadLibc, loadWinapi } from "../ffi/load.ts";
import type { Network } from "../network.ts";

export interface SystemNetworkOptions {
  /** Every packet leaves with this source address. */
  readonly source?: IpAddress;
  /** Every packet leaves by this interface. */
  readonly interface?: string;
}

/**
 * The Network of this machine's kernel. Throws an Error where this platform has none, and SocketError (stage `socket`,
 * errno null) where the runtime cannot call the C library.
 */
export async function openSystemNetwork(options: SystemNetworkOptions = {}): Promise<Network> {
  switch (process.platform) {
    case "linux": {
      const { createLinuxNetwork } = await import("./linux.ts");
      return createLinuxNetwork(await callable("the C library", loadLibc), options);
    }
    case "darwin": {
      const { createDarwinNetwork } = await import("./darwin.ts");
      return createDarwinNetwork(await callable("the C library", loadDarwinLibc), options);
    }
    case "win32": {
      const { createWindowsNetwork } = await import("./windows.ts");
      const root = process.env["SystemRoot"] ?? "C:\\Windows";
      return createWindowsNetwork(await callable("Windows", () => loadWinapi(root)), options);
    }
    default:
      throw new Error(`Cannot open sockets: ${process.platform} is not supported yet`);
  }
}

async function callable<T>(what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SocketError("socket", null, `call ${what}`, why);
  }
}
