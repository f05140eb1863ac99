import type { IpAddress } from "../address.ts";
import { SocketError, UsageError } from "../errors.ts";
import type { LinuxLibc } from "../ffi/libc.ts";
import { loadDarwinLibc, loadLibc, loadWinapi } from "../ffi/load.ts";
import type { Network, SendOptions } from "../network.ts";
import type { ReservedSockets } from "./privileges.ts";
import type { RawSocketAddon } from "./raw-socket/addon.ts";

/** What the packets of a Network leave from, and how. */
export interface SystemNetworkOptions extends SendOptions {
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
  /** Opened ahead (`resignPrivileges`), by means of the C library: taken in place of new ones. */
  readonly sockets?: ReservedSockets;
  /** Told once where `raw-socket` or `runtime` is used: what cannot be done then, one line. */
  readonly onLimits?: (limits: string) => void;
}

/** What sockets are made with; see `SystemNetworkOptions.backend`. */
export type Backend = "auto" | "ffi" | "raw-socket" | "runtime";

/**
 * The Network of this machine's kernel; where the runtime cannot call the C library, one that shows no hops
 * (`Network.reachOnly`). Throws an Error where this platform has none, SocketError (stage `socket`, errno null) where the
 * C library was asked for (`ffi`) and cannot be called, UsageError where the backend cannot do what is asked. What
 * the host does not allow of the options is told when the first socket opens, or a route is asked for: SocketError, stage
 * `socket` or `bind`.
 */
export async function openSystemNetwork(options: SystemNetworkOptions = {}): Promise<Network> {
  const { backend = "auto" } = options;
  if (backend === "raw-socket") {
    return openRawSockets(options, "raw-socket is used", (why) => new UsageError(`Cannot use raw-socket: ${why}`));
  }
  if (backend === "runtime") return openRuntime(options, "the runtime's own TCP client is used, as was asked");
  switch (process.platform) {
    case "linux":
      return openLinux(options, backend);
    case "darwin": {
      refuseSendOptions(options, "on macOS they are not supported yet");
      const { createDarwinNetwork } = await import("./darwin.ts");
      return createDarwinNetwork(await callable("the C library", loadDarwinLibc), options);
    }
    case "win32": {
      refuseSendOptions(options, "on Windows they are not supported yet");
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
    throw new SocketError("socket", null, `call ${what}`, wordsOf(error));
  }
}

async function openLinux(options: SystemNetworkOptions, backend: "auto" | "ffi"): Promise<Network> {
  const { createLinuxNetwork } = await import("./linux.ts");
  let libc: LinuxLibc;
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
  const { sockets, ...rest } = options;
  if (sockets === undefined) return createLinuxNetwork(libc, rest);
  const { SocketReserve } = await import("./linux/reserve.ts");
  if (!(sockets instanceof SocketReserve)) throw new UsageError("Cannot use the sockets: they are not reserved ones");
  return createLinuxNetwork(libc, { ...rest, reserve: sockets });
}

/** The package raw-socket is not there, or not for this process. */
class NoAddonError extends Error {}

async function openRuntime(options: SystemNetworkOptions, why: string): Promise<Network> {
  const { source, interface: name, onLimits } = options;
  if (source !== undefined || name !== undefined) {
    throw new UsageError(`Cannot choose a source address or interface: ${why}`);
  }
  refuseSendOptions(options, why);
  const { createRuntimeNetwork } = await import("./runtime.ts");
  onLimits?.(`no hops, only whether a TCP port answers, for ${why} (nettrace doctor says what to do)`);
  return createRuntimeNetwork(why);
}

async function openRawSockets(
  options: SystemNetworkOptions,
  note: string,
  refusal: (why: string) => Error,
): Promise<Network> {
  const { source, interface: name, onLimits } = options;
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
  refuseSendOptions(options, "raw-socket sets none");
  const { createRawSocketNetwork, RAW_SOCKET_LIMITS } = await import("./raw-socket.ts");
  onLimits?.(`${note}: ${RAW_SOCKET_LIMITS}`);
  return createRawSocketNetwork(addon);
}

/** What cannot be had is refused, never left out. */
function refuseSendOptions(options: SendOptions, why: string): void {
  const { mark, trafficClass, dontFragment, flowLabel, dontRoute, debug } = options;
  const asked = [mark, trafficClass, dontFragment, flowLabel].some((value) => value !== undefined);
  if (!asked && dontRoute !== true && debug !== true) return;
  throw new UsageError(`Cannot choose a mark, traffic class, fragmentation, flow label, route or debugging: ${why}`);
}

/** The first line: the runtime's loaders append to theirs who asked for what. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? "";
}
