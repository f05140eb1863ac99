import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

/** Whose files may be run: the process's user, and who called sudo. */
export interface Who {
  readonly uid: number;
  /** Set where root runs for another user by sudo. */
  readonly sudoUid?: number;
}

export function whoAmI(env: Readonly<Record<string, string | undefined>>): Who {
  // A system that tells no user has no owners to trust either: nothing passes.
  const uid = process.getuid?.() ?? -1;
  const sudoUid = uid === 0 && /^\d{1,10}$/.test(env["SUDO_UID"] ?? "") ? Number(env["SUDO_UID"]) : 0;
  return { uid, ...(sudoUid !== 0 && { sudoUid }) };
}

/**
 * Why a file is not to be run, or undefined: as ssh judges its own files, others must be able to change neither it nor any
 * directory above it. `path` has no symbolic links in it. `asked`: the user gave the file by its path, so that one of the
 * user who called sudo will do.
 */
export function distrust(path: string, who: Who, asked: boolean): string | undefined {
  const owners = new Set([0, who.uid, ...(asked && who.sudoUid !== undefined ? [who.sudoUid] : [])]);
  for (let each = path; ; each = dirname(each)) {
    const offence = offenceOf(each, statSync(each), owners, each === path);
    if (offence !== undefined || each === dirname(each)) return offence;
  }
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
