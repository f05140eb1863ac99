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
   * does less. `runtime`: the runtime's own TCP client, which shows no hops. Default `auto`: the first of them that can be
   * had; the second on Node only.
   */
  readonly backend?: Backend;
  /** Told once where `raw-socket` or `runtime` is used: what cannot be done then, one line. */
  readonly onLimits?: (limits: string) => void;
}

/** What sockets are made with; see `SystemNetworkOptions.backend`. */
export type Backend = "auto" | "ffi" | "raw-socket" | "runtime";

/**
 * The Network of this machine's kernel; where the runtime cannot call the C library, one that shows no hops
 * (`Network.reachOnly`). Throws an Error where this platform has none, SocketError (stage `socket`, errno null) where the
 * C library was asked for (`ffi`) and cannot be called, UsageError where the backend cannot do what is asked.
 */
export async function openSystemNetwork(options: SystemNetworkOptions = {}): Promise<Network> {
  if (process.platform !== "linux") throw new Error(`Cannot open sockets: ${process.platform} is not supported yet`);
  const { backend = "auto" } = options;
  if (backend === "raw-socket") {
    return openRawSockets(options, "raw-socket is used", (why) => new UsageError(`Cannot use raw-socket: ${why}`));
  }
  if (backend === "runtime") return openRuntime(options, "the runtime's own TCP client is used, as was asked");
  const { createLinuxNetwork } = await import("./linux.ts");
  let libc: Libc;
  try {
    libc = await loadLibc();
    libc.getpid();
  } catch (error) {
    const why = wordsOf(error);
    if (backend === "ffi") throw new SocketError("socket", null, "call the C library", why);
    const isNode = !("Bun" in globalThis || "Deno" in globalThis);
    if (!isNode) return openRuntime(options, `the C library cannot be called: ${why}`);
    try {
      const note = `koffi cannot be used (${why}), raw-socket is`;
      return await openRawSockets(options, note, (more) => new NoAddonError(more));
    } catch (cause) {
      if (!(cause instanceof NoAddonError)) throw cause;
      return openRuntime(options, `the C library cannot be called: ${why}; nor raw-socket: ${cause.message}`);
    }
  }
  return createLinuxNetwork(libc, options);
}

/** The package raw-socket is not there, or not for this process. */
class NoAddonError extends Error {}

async function openRuntime({ source, interface: name, onLimits }: SystemNetworkOptions, why: string): Promise<Network> {
  if (source !== undefined || name !== undefined) {
    throw new UsageError(`Cannot choose a source address or interface: ${why}`);
  }
  const { createRuntimeNetwork } = await import("./runtime.ts");
  onLimits?.(`no hops, only whether a TCP port answers, for ${why} (nettrace doctor says what to do)`);
  return createRuntimeNetwork(why);
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
