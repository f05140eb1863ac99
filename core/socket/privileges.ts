import type { Family } from "../address.ts";

/** What is to be kept of a process's rights, and who it is to be. */
export interface ResignOptions {
  /** The user and group to become where the process is root. */
  readonly uid: number;
  readonly gid: number;
  /** So many targets are traced at the same time, at most. */
  readonly targets?: number;
  /** So many packet taps; default: one for each target. */
  readonly taps?: number;
  /** Default: both. */
  readonly families?: readonly Family[];
  /** So many protocols are tried on a target at the same time, at most, 1-4; default 4. */
  readonly atOnce?: number | undefined;
  /** IP protocols, 0-255, of raw sockets that plugins will ask for, beside ICMP and TCP. */
  readonly protocols?: readonly number[];
  /** Packets will be marked or sockets debugged (`SendOptions.mark`, `debug`): CAP_NET_ADMIN is kept, it alone. */
  readonly admin?: boolean;
  /** A port below 1024 will be bound: CAP_NET_BIND_SERVICE is kept, it alone. */
  readonly lowPorts?: boolean;
}

/** Sockets that were opened ahead, for `SystemNetworkOptions.sockets`; they are the process's until it ends. */
export interface ReservedSockets {
  readonly size: number;
  /** Closes the packet taps that no network has: else the process's end waits for that. */
  closeTaps(): void;
}

/** How a process stands after it resigned. */
export interface Resigned {
  readonly sockets: ReservedSockets;
  /** The errno's name, where this host let it take on no other user: then it has no capabilities, but is who it was. */
  readonly identityKept: string | undefined;
}

/** Rights that should be gone are still there: nothing that comes from elsewhere is to be read. */
export class PrivilegeError extends Error {
  override readonly name = "PrivilegeError";
}

/** A trace by `auto` has at most four protocols at once that need raw sockets. */
const AT_ONCE = 4;
/** A session has at most two raw sockets of a kind: one may listen for flows other than the path's own. */
const SOCKETS = 2;
const MOST_TARGETS = 32;
/** To close one takes an old kernel some ten milliseconds, which the end of the process waits for. */
const MOST_TAPS = 8;

/** Whether this process has rights to give away: it is root, or has capabilities. Linux only. */
export async function isPrivileged(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const { readRights } = await import("./linux/give-away.ts");
  const rights = readRights();
  return rights !== undefined && (rights.isRoot || rights.capabilities !== 0n);
}

/**
 * Opens the sockets that need privilege, and gives all privilege away for good (`ResignOptions` names what may stay). The
 * process is another user from then on, on all threads: call it once, before anything from the network is read. Nothing in
 * nettrace but its own command line calls it. Linux with Bun only. Rejects with PrivilegeError where rights are left that
 * should be gone, and an Error where the C library cannot be called: then nothing was given away.
 */
export async function resignPrivileges(options: ResignOptions): Promise<Resigned> {
  const {
    uid,
    gid,
    targets = 1,
    taps = targets,
    families = [4, 6],
    atOnce,
    protocols = [],
    admin = false,
    lowPorts = false,
  } = options;
  const { loadCredentials, loadLibc } = await import("../ffi/load.ts");
  const { CAPABILITY, giveAway, leftOver, readRights } = await import("./linux/give-away.ts");
  const { SocketReserve } = await import("./linux/reserve.ts");
  const credentials = await loadCredentials();
  const many = Math.min(targets, MOST_TARGETS);
  const sockets = new SocketReserve(await loadLibc(), {
    copies: many * Math.max(atOnce ?? AT_ONCE, SOCKETS),
    families,
    taps: Math.min(taps, MOST_TAPS),
    protocols,
  });
  const rights = readRights() ?? { isRoot: true, capabilities: 0n };
  const wanted = [...(admin ? [CAPABILITY.netAdmin] : []), ...(lowPorts ? [CAPABILITY.netBindService] : [])];
  const keep = wanted.filter((each) => ((rights.capabilities >> BigInt(each)) & 1n) === 1n);
  const resignation = rights.isRoot ? { user: { uid, gid }, keep } : { keep };
  const identityKept = giveAway(credentials, resignation);
  const left = leftOver(identityKept === undefined ? resignation : { keep });
  if (left !== undefined) throw new PrivilegeError(`Cannot give privileges away: ${left}`);
  return { sockets, identityKept };
}
