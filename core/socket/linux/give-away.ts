import { readdirSync, readFileSync } from "node:fs";
import { errnoName } from "../../ffi/errno.ts";
import type { Credentials } from "../../ffi/libc.ts";

/** linux/prctl.h */
const PR = { setKeepcaps: 8, capbsetDrop: 24, setNoNewPrivs: 38, capAmbient: 47 } as const;
const AMBIENT_CLEAR_ALL = 4;
/** linux/capability.h: two words of 32 capabilities each, as (effective, permitted, inheritable). */
const CAPABILITY_VERSION_3 = 0x2008_0522;
/** As many as the sets have room for; the kernel says where its own end (EINVAL). */
const MOST_CAPABILITIES = 64;

/** Those that a run may still need (linux/capability.h). */
export const CAPABILITY = { netBindService: 10, netAdmin: 12 } as const;

/** Who to be from now on, and what to be able to still. */
export interface Resignation {
  /** Absent: whoever this is already. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Capabilities that the process has, by number; on the calling thread, and those that it starts later. */
  readonly keep: readonly number[];
}

/** What a process is allowed, as /proc/self/status tells. */
export interface Rights {
  readonly isRoot: boolean;
  /** The permitted capabilities, a bit each. */
  readonly capabilities: bigint;
}

/** Undefined where /proc does not tell. */
export function readRights(): Rights | undefined {
  const status = readStatus("/proc/self/status");
  return status === undefined ? undefined : rightsOf(status);
}

/**
 * Gives root's identity and all capabilities away, for good: user, group and supplementary groups on all threads; the
 * bounding, ambient and inheritable sets and no-new-privs on this one and those that it starts later. Where this host lets
 * no other identity be taken on (no CAP_SETUID; a user namespace in which that user does not exist), the capabilities
 * are given away at least. The errno's name in that case, else undefined.
 */
export function giveAway(credentials: Credentials, { user, keep }: Resignation): string | undefined {
  // First, since it takes a capability itself.
  for (let each = 0; each < MOST_CAPABILITIES; each += 1) {
    if (!keep.includes(each) && credentials.prctl(PR.capbsetDrop, each, 0) < 0) break;
  }
  credentials.prctl(PR.capAmbient, AMBIENT_CLEAR_ALL, 0);
  if (keep.length > 0) credentials.prctl(PR.setKeepcaps, 1, 0);
  const refusal = user && becomeUser(credentials, user.uid, user.gid);
  setCapabilities(credentials, keep);
  credentials.prctl(PR.setKeepcaps, 0, 0);
  credentials.prctl(PR.setNoNewPrivs, 1, 0);
  return refusal;
}

function becomeUser(credentials: Credentials, uid: number, gid: number): string | undefined {
  const failed = (): string => errnoName(credentials.errno());
  // Each after the other: without the user's identity the groups could not be changed any more.
  if (credentials.clearGroups() < 0) return failed();
  if (credentials.setresgid(gid, gid, gid) < 0) return failed();
  return credentials.setresuid(uid, uid, uid) < 0 ? failed() : undefined;
}

function setCapabilities(credentials: Credentials, keep: readonly number[]): void {
  const header = new DataView(new ArrayBuffer(8));
  header.setUint32(0, CAPABILITY_VERSION_3, true);
  const data = new DataView(new ArrayBuffer(24));
  for (const each of keep) {
    const at = 12 * (each >> 5);
    for (const set of [at, at + 4]) data.setUint32(set, (data.getUint32(set, true) | (1 << (each & 31))) >>> 0, true);
  }
  credentials.capset(new Uint8Array(header.buffer), new Uint8Array(data.buffer));
}

/** What of a resignation did not come about, in words; undefined where all of it did. */
export function leftOver({ user, keep }: Resignation): string | undefined {
  const kept = keep.reduce((bits, each) => bits | (1n << BigInt(each)), 0n);
  for (const thread of readdirSync("/proc/self/task")) {
    const status = readStatus(`/proc/self/task/${thread}/status`);
    // It has ended since.
    if (status === undefined) continue;
    if (user !== undefined) {
      const isAll = (name: string, id: number): boolean => field(status, name) === `${id}\t${id}\t${id}\t${id}`;
      if (!isAll("Uid", user.uid) || !isAll("Gid", user.gid)) return `thread ${thread} keeps its user or group`;
      if (field(status, "Groups") !== "") return `thread ${thread} keeps its groups`;
    }
    // A thread can give away only its own. Without another user's identity the runtime's helpers keep theirs: they compile
    // and clean up, and read nothing.
    const isOurs = user !== undefined || thread === String(process.pid);
    if (isOurs && (capabilities(status, "CapPrm") & ~kept) !== 0n) return `thread ${thread} keeps capabilities`;
  }
  return undefined;
}

function rightsOf(status: string): Rights {
  const uids = field(status, "Uid").split("\t");
  return { isRoot: uids.includes("0"), capabilities: capabilities(status, "CapPrm") };
}

function field(status: string, name: string): string {
  const at = status.indexOf(`\n${name}:`);
  if (at < 0) return "";
  const end = status.indexOf("\n", at + 1);
  return status.slice(at + name.length + 2, end < 0 ? undefined : end).trim();
}

function capabilities(status: string, name: string): bigint {
  const text = field(status, name);
  return /^[\da-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : 0n;
}

function readStatus(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // No /proc, or no such thread any more: nothing is known.
    return undefined;
  }
}
