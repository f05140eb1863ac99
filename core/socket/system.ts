import type { IpAddress } from "../address.ts";
import { SocketError, UsageError } from "../errors.ts";
import type { Libc } from "../ffi/libc.ts";
import { loadLibc } from "../ffi/load.ts";
import type { Network } from "../network.ts";
import type { RawSocketAddon } from "./raw-socket/addon.ts";

/** How packets leave this host. */
export interface SystemNetworkOptions {
  /** Every packet leaves with this source address. */
  readonly source?: IpAddress;
  /** Every packet leaves by this interface. */
  readonly interface?: string;
  /**
   * What sockets are made with. `ffi`: calls of the C library. `raw-socket`: the npm package of that name, on Node, which
   * does less. Default `auto`: the first, and on Node the second where the first cannot be had.
   */
  readonly backend?: Backend;
  /** Told once where `raw-socket` is used: what cannot be done then, one line. */
  readonly onLimits?: (limits: string) => void;
}

/** What sockets are made with; see `SystemNetworkOptions.backend`. */
export type Backend = "auto" | "ffi" | "raw-socket";

/**
 * The Network of this machine's kernel. Throws an Error where this platform has none, SocketError (stage `socket`, errno
 * null) where the runtime cannot call the C library, UsageError where the backend asked for cannot do what is asked.
 */
export async function openSystemNetwork(options: SystemNetworkOptions = {}): Promise<Network> {
  if (process.platform !== "linux") throw new Error(`Cannot open sockets: ${process.platform} is not supported yet`);
  const { backend = "auto" } = options;
  if (backend === "raw-socket") {
    return openRawSockets(options, "raw-socket is used", (why) => new UsageError(`Cannot use raw-socket: ${why}`));
  }
  const { createLinuxNetwork } = await import("./linux.ts");
  let libc: Libc;
  try {
    libc = await loadLibc();
  } catch (error) {
    const why = wordsOf(error);
    const refusal = (more = ""): SocketError => new SocketError("socket", null, "call the C library", why + more);
    const isNode = !("Bun" in globalThis || "Deno" in globalThis);
    if (backend === "ffi" || !isNode) throw refusal();
    const note = `koffi cannot be used (${why}), raw-socket is`;
    return openRawSockets(options, note, (more) => refusal(`; nor raw-socket: ${more}`));
  }
  return createLinuxNetwork(libc, options);
}

async function openRawSockets(
  { source, interface: name, onLimits }: SystemNetworkOptions,
  note: string,
  refusal: (why: string) => Error,
): Promise<Network> {
  const { loadAddon } = await import("./raw-socket/addon.ts");
  let addon: RawSocketAddon;
  try {
    addon = await loadAddon();
  } catch (error) {
    throw refusal(wordsOf(error));
  }
  if (source !== undefined || name !== undefined) {
    throw new UsageError("Cannot choose a source address or interface: raw-socket cannot bind");
  }
  const { createRawSocketNetwork, RAW_SOCKET_LIMITS } = await import("./raw-socket.ts");
  onLimits?.(`${note}: ${RAW_SOCKET_LIMITS}`);
  return createRawSocketNetwork(addon);
}

/** The first line: the runtime's loaders append to theirs who asked for what. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? "";
}
