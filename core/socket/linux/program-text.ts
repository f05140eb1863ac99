/** A stretch of this process's memory. */
export interface Stretch {
  readonly address: number;
  /** Octets. */
  readonly length: number;
}

/** `00400000-0048a000 r-xp 00000000 fd:03 960637       /bin/bash` (proc_pid_maps(5)) */
const HEADER = /^([0-9a-f]{1,12})-([0-9a-f]{1,12}) (\S{4}) [0-9a-f]+ \S+ (\d+) *(.*)$/;
const FIELD = /^(\w+): +(\d+) kB$/;
/** What can be read, and never written; private, as the loader maps a program. */
const READ_ONLY: ReadonlySet<string> = new Set(["r-xp", "r--p"]);

/**
 * Which stretches of a process hold nothing but a file's pages as they are in the file, so that they can be had again by
 * reading them. `smaps` is /proc/PID/smaps; of `file` alone. A page that was written once, as those are that the loader
 * relocates, would come back without what was written: its whole stretch is left out. (Such a page counts as anonymous, "dirty"
 * one of a file that is itself so new that it is not on the disk yet.)
 */
export function cleanStretches(smaps: string, file: string): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let candidate: Stretch | undefined;
  let fields = new Map<string, number>();
  const settle = (): void => {
    const isClean = ["Anonymous", "Swap", "Locked"].every((each) => fields.get(each) === 0);
    if (candidate !== undefined && isClean && (fields.get("Rss") ?? 0) > 0) stretches.push(candidate);
    candidate = undefined;
    fields = new Map();
  };
  for (const line of smaps.split("\n")) {
    const field = FIELD.exec(line);
    if (field !== null) {
      fields.set(field[1] ?? "", Number(field[2]));
      continue;
    }
    const header = HEADER.exec(line);
    if (header === null) continue;
    settle();
    const [, from = "", to = "", permissions = "", inode, path] = header;
    if (!READ_ONLY.has(permissions) || inode === "0" || path !== file) continue;
    const address = Number.parseInt(from, 16);
    candidate = { address, length: Number.parseInt(to, 16) - address };
  }
  settle();
  return stretches;
}
