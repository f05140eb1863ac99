import { type Stats, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, relative } from "node:path";

/** Whose files may be run: the process's user, and who called sudo. */
export interface Who {
  readonly uid: number;
  /** Set where root runs for another user by sudo. */
  readonly sudoUid?: number;
  /** The user's own folder, on a system that has no uids (Windows). */
  readonly profile?: string;
}

export function whoAmI(env: Readonly<Record<string, string | undefined>>): Who {
  const uid = process.getuid?.();
  if (uid === undefined) return { uid: -1, profile: homedir() };
  const sudoUid = uid === 0 && /^\d{1,10}$/.test(env["SUDO_UID"] ?? "") ? Number(env["SUDO_UID"]) : 0;
  return { uid, ...(sudoUid !== 0 && { sudoUid }) };
}

/**
 * Why a file is not to be run, or undefined: as ssh judges its own files, others must be able to change neither it nor any
 * directory above it. `path` has no symbolic links in it. `asked`: the user gave the file by its path, so that one of the
 * user who called sudo will do.
 *
 * Windows has no owners and modes that could be read, and its access control lists are not: what the user gave is taken at
 * the user's word, and what is found by name must lie in the user's own folder, which Windows keeps from others by default.
 */
export function distrust(path: string, who: Who, asked: boolean): string | undefined {
  if (who.profile !== undefined) return distrustPlace(path, who.profile, asked);
  const owners = new Set([0, who.uid, ...(asked && who.sudoUid !== undefined ? [who.sudoUid] : [])]);
  for (let each = path; ; each = dirname(each)) {
    const offence = offenceOf(each, statSync(each), owners, each === path);
    if (offence !== undefined || each === dirname(each)) return offence;
  }
}

function distrustPlace(path: string, profile: string, asked: boolean): string | undefined {
  if (!statSync(path).isFile()) return `${path} is no regular file`;
  const way = relative(profile, path);
  const isInside = !isAbsolute(way) && !/^\.\.([\\/]|$)/.test(way);
  return asked || isInside ? undefined : `${path} is not in ${profile}, which others may not change`;
}

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

function offenceOf(path: string, stat: Stats, owners: ReadonlySet<number>, isFile: boolean): string | undefined {
  if (isFile && !stat.isFile()) return `${path} is no regular file`;
  if (!owners.has(stat.uid)) return `${path} belongs to another user (uid ${stat.uid})`;
  // An access control list that lets others write shows in the group's bits, which are then its mask.
  if ((stat.mode & OTHERS_WRITE) === 0) return undefined;
  // In /tmp and the like nobody can replace what is another's, and whose that is has been looked at.
  if (!isFile && (stat.mode & STICKY) !== 0) return undefined;
  return `others may write ${path} (mode ${(stat.mode & 0o7777).toString(8).padStart(4, "0")}; chmod go-w mends it)`;
}
