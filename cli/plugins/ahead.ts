import { existsSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { type FoundPlugin, findByName, type Judged, judge, PLUGIN_NAME, UNREADABLE } from "./folder.ts";
import type { WantedPlugins } from "./named.ts";
import type { Who } from "./trust.ts";

/** Where plugins are, and whether they are trusted. */
export interface Sight {
  find(name: string): FoundPlugin | undefined;
  judge(path: string, asked: boolean): Judged;
  /** The descriptor of a trusted file that was opened ahead. */
  opened(file: string): number | undefined;
}

export function createSight(folder: string, who: Who): Sight {
  return {
    find: (name) => findByName(folder, name),
    judge: (path, asked) => judge(path, who, asked),
    opened: () => undefined,
  };
}

/**
 * Looks at all that a command line names while this process is still who it is, and opens the files that are trusted: whoever
 * it becomes may not even get to them. Nothing is read; so plugins that are folders, whose package.json would have to be, are
 * looked at later.
 */
export function lookAhead(wanted: WantedPlugins, folder: string, who: Who): Sight {
  const plain = createSight(folder, who);
  const found = new Map<string, FoundPlugin | undefined>();
  const judged = new Map<string, Judged>();
  const opened = new Map<string, number>();
  const look = (path: string, asked: boolean): void => {
    if (isPackage(path)) return;
    const result = plain.judge(path, asked);
    judged.set(keyOf(path, asked), result);
    if ("refused" in result || opened.has(result.file)) return;
    const fd = tryOpen(result.file);
    if (fd !== undefined) opened.set(result.file, fd);
  };
  for (const name of [...wanted.given, ...wanted.protocols].filter((each) => PLUGIN_NAME.test(each))) {
    const there = plain.find(name);
    found.set(name, there);
    if (there !== undefined) look(there.path, false);
  }
  for (const path of wanted.given) if (!PLUGIN_NAME.test(path)) look(path, true);
  return {
    find: (name) => (found.has(name) ? found.get(name) : plain.find(name)),
    judge: (path, asked) => judged.get(keyOf(path, asked)) ?? explained(plain.judge(path, asked)),
    opened: (file) => opened.get(file),
  };
}

function keyOf(path: string, asked: boolean): string {
  return `${asked} ${path}`;
}

/** What a plugin loses by root's leaving, in words. */
export const OUT_OF_REACH = "root's rights are given away before a plugin is read; --keep-privileges keeps them";

function explained(judged: Judged): Judged {
  const isOutOfReach = "refused" in judged && judged.refused === UNREADABLE;
  return isOutOfReach ? { refused: `${UNREADABLE} (${OUT_OF_REACH})` } : judged;
}

function isPackage(path: string): boolean {
  try {
    return statSync(path).isDirectory() && existsSync(join(path, "package.json"));
  } catch {
    // What is wrong with it, the judgement says.
    return false;
  }
}

function tryOpen(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch {
    // It is told by whoever comes to read it.
    return undefined;
  }
}
