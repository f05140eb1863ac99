import { closeSync, fchownSync, openSync, readFileSync } from "node:fs";
import { isPrivileged, PrivilegeError, type ReservedSockets, resignPrivileges } from "../../core/mod.ts";
import type { Output } from "../context.ts";
import type { RunNeeds } from "./needs.ts";

/** The process's rights, as far as a run has to do with them. */
export interface Privileges {
  /** As `CommandContext.resign`. */
  resign(needs: RunNeeds): Promise<void>;
  /** As `CommandContext.opened`. */
  opened(path: string): number | undefined;
  /** Undefined: nothing was given away. */
  readonly sockets: ReservedSockets | undefined;
}

/** Who to be in place of root. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The overflow user of the kernel, which is nobody everywhere. */
export const NOBODY = 65_534;
/** 4294967295 is -1, which means "no change" (setresuid(2)). */
const LAST_ID = 0xffff_fffe;
const FIRST_FREE_PORT = 1024;
/** Readable by its owner alone. */
const MODE = 0o600;

/** Who called sudo, or nobody: root's identity is never a wish. */
export function successor(env: Readonly<Record<string, string | undefined>>): User {
  const uid = ordinaryId(env["SUDO_UID"]);
  if (uid === undefined) return { uid: NOBODY, gid: NOBODY };
  return { uid, gid: ordinaryId(env["SUDO_GID"]) ?? NOBODY };
}

function ordinaryId(text = ""): number | undefined {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  return id > 0 && id <= LAST_ID ? id : undefined;
}

export function createPrivileges(stderr: Output, env: Readonly<Record<string, string | undefined>>): Privileges {
  let isOver = false;
  let sockets: ReservedSockets | undefined;
  /** Descriptors, or why there is none. */
  const files = new Map<string, number | Error>();
  return {
    async resign({ record, reads = [], state, sourcePort, ...needs }) {
      if (isOver) return;
      isOver = true;
      if (!(await isPrivileged())) return;
      const user = successor(env);
      if (record !== undefined) {
        const fd = openForUser(record, user);
        if (fd !== undefined) files.set(record, fd);
      }
      for (const path of reads)
        files.set(
          path,
          attempt(() => openSync(path, "r")),
        );
      if (state !== undefined)
        files.set(
          state,
          attempt(() => openState(state, user)),
        );
      const lowPorts = sourcePort !== undefined && sourcePort > 0 && sourcePort < FIRST_FREE_PORT;
      let identityKept: string | undefined;
      try {
        ({ sockets, identityKept } = await resignPrivileges({ ...user, ...needs, lowPorts }));
      } catch (error) {
        if (error instanceof PrivilegeError) throw error;
        // Where the C library cannot be called there are no sockets to keep, and the runtime's own calls do.
        const refusal = becomeByRuntime(user);
        if (refusal !== undefined)
          stderr.write(`nettrace: root's rights are kept: nothing can give them away here (${refusal})\n`);
      }
      if (identityKept === undefined || !isRootOfTheHost()) return;
      const why = `this host lets it become no other user (${identityKept})`;
      stderr.write(`nettrace: it stays root, without any capability: ${why}\n`);
    },
    opened(path) {
      const fd = files.get(path);
      files.delete(path);
      if (fd instanceof Error) throw fd;
      return fd;
    },
    get sockets() {
      return sockets;
    },
  };
}

/** The errno's name where this host lets it become no other user. */
function becomeByRuntime({ uid, gid }: User): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  try {
    process.setgroups?.([]);
    process.setgid?.(gid);
    process.setuid?.(uid);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

/**
 * A file to write that root may write though its successor may not; one that is made belongs to the successor. Undefined
 * where it cannot be opened: whoever comes to write it will say so.
 */
function openForUser(path: string, { uid, gid }: User): number | undefined {
  let made: number | undefined;
  try {
    made = openSync(path, "wx", MODE);
    if (process.geteuid?.() === 0) fchownSync(made, uid, gid);
    return made;
  } catch {
    // There is one already, which is whose it is and keeps its contents until the first line is written; or it cannot be.
    if (made !== undefined) closeSync(made);
  }
  try {
    return openSync(path, "r+");
  } catch {
    return undefined;
  }
}

/** A file to read and write in place, made where there is none. Throws the file system's error. */
function openState(path: string, { uid, gid }: User): number {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  const made = openSync(path, "wx+", MODE);
  if (process.geteuid?.() === 0) fchownSync(made, uid, gid);
  return made;
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function attempt(open: () => number): number | Error {
  try {
    return open();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Root of a user namespace of somebody's own is that somebody everywhere else. */
function isRootOfTheHost(): boolean {
  try {
    return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
  } catch {
    // No user namespaces in this kernel: root is root.
    return true;
  }
}
