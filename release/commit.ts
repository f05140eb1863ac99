import { spawnSync } from "node:child_process";

/**
 * The commit that the sources are of, with `-dirty` behind it where a file that git knows differs from it; undefined where
 * there is no git, or no repository.
 */
export function commitOf(root: string): string | undefined {
  return git(root, ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]);
}

/** When the commit was made: seconds since 1970. */
export function commitTime(root: string): number | undefined {
  const seconds = Number(git(root, ["log", "-1", "--format=%ct"]) ?? Number.NaN);
  return Number.isSafeInteger(seconds) ? seconds : undefined;
}

function git(root: string, args: readonly string[]): string | undefined {
  // A repository above this folder is somebody else's.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: `${root}/..` };
  const { status, stdout } = spawnSync("git", ["-C", root, ...args], { encoding: "utf8", env });
  return status === 0 ? stdout.trim() : undefined;
}
