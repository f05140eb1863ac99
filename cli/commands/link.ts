import { lstatSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { LINK_NAMES } from "../personalities/mod.ts";
import { printable } from "../printable.ts";

/** Links the tools' names in a directory to the executable; never over what is there. Throws UsageError. */
export function runLink(context: CommandContext, directory: string): number {
  const { self = [], stdout, stderr } = context;
  const [executable, ...more] = self;
  if (executable === undefined || more.length > 0) {
    throw new UsageError("Cannot make links: only the built executable can be started under the names of tools");
  }
  let isComplete = true;
  for (const name of LINK_NAMES) {
    const path = join(directory, name);
    const there = look(path);
    if (there === executable) stdout.write(`${printable(path)} is there already\n`);
    else if (there !== undefined) {
      stderr.write(`nettrace: Cannot link ${printable(path)}: something of that name is there\n`);
      isComplete = false;
    } else if (link(executable, path)) stdout.write(`${printable(path)} -> ${printable(executable)}\n`);
    else {
      stderr.write(`nettrace: Cannot link ${printable(path)}: something of that name is there\n`);
      isComplete = false;
    }
  }
  return isComplete ? EXIT.reached : EXIT.notReached;
}

/** Where a link leads, "" for anything else, undefined for nothing. Throws UsageError. */
function look(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : "";
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw cannotLink(path, error);
  }
}

/** False where somebody else was faster. */
function link(executable: string, path: string): boolean {
  try {
    symlinkSync(executable, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw cannotLink(path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such directory",
  ENOTDIR: "it is in no directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
};

function cannotLink(path: string, error: unknown): UsageError {
  const errno = errnoOf(error);
  return new UsageError(`Cannot link ${path}: ${REASONS[errno] ?? errno}`);
}

function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
