import type { Family } from "../address.ts";
import { SocketError } from "../errors.ts";
import { errnoName } from "../ffi/errno.ts";
import type { Libc } from "../ffi/libc.ts";
import { loadLibc } from "../ffi/load.ts";
import type { Network, SocketSpec } from "../network.ts";
import { AF, SOCK } from "./linux/abi.ts";
import { letGo } from "./linux/let-go.ts";
import { openSystemNetwork } from "./system.ts";

/** A kind of socket, as it was tried for real. */
export interface SocketTrial {
  readonly kind: "raw-icmp" | "raw-tcp" | "ping" | "udp" | "tcp-connect" | "packet-tap";
  readonly family: Family;
  /** Null where it opened; else the errno's name, or what the kernel said in its place. */
  readonly refusal: string | null;
}

/** What this host lets this process do with sockets. */
export interface Inspection {
  /** Null where the runtime can call the C library; else why not. Then no socket was tried. */
  readonly ffiRefusal: string | null;
  readonly sockets: readonly SocketTrial[];
}

const FAMILIES: readonly Family[] = [4, 6];

/** Opens each kind of socket and closes it again; nothing is sent. */
export async function inspectSockets(): Promise<Inspection> {
  let opened: Network;
  let libc: Libc | undefined;
  try {
    if (process.platform === "linux") libc = await loadLibc();
    opened = await openSystemNetwork();
  } catch (error) {
    const evidence = error instanceof SocketError ? error.evidence : undefined;
    return { ffiRefusal: evidence ?? (error instanceof Error ? error.message : String(error)), sockets: [] };
  }
  using network = opened;
  const trial = (kind: SocketTrial["kind"], family: Family, spec: SocketSpec): SocketTrial => {
    try {
      network.open(spec, family)[Symbol.dispose]();
      return { kind, family, refusal: null };
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      return { kind, family, refusal: error.errno ?? error.evidence ?? "refused" };
    }
  };
  const sockets = FAMILIES.flatMap((family) => [
    trial("raw-icmp", family, { type: "raw", protocol: family === 4 ? 1 : 58 }),
    trial("raw-tcp", family, { type: "raw", protocol: 6 }),
    trial("ping", family, { type: "ping" }),
    trial("udp", family, { type: "udp" }),
    trial("tcp-connect", family, { type: "tcp-port" }),
  ]);
  return { ffiRefusal: null, sockets: libc === undefined ? sockets : [...sockets, tapTrial(libc)] };
}

/** One tap serves both families. */
function tapTrial(libc: Libc): SocketTrial {
  const fd = libc.socket(AF.packet, SOCK.dgram | SOCK.cloexec, 0);
  if (fd < 0) return { kind: "packet-tap", family: 4, refusal: errnoName(libc.errno()) };
  letGo(libc, fd);
  return { kind: "packet-tap", family: 4, refusal: null };
}
