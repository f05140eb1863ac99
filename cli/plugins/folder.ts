import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, extname, isAbsolute, join } from "node:path";
import { distrust, type Who } from "./trust.ts";

/** What a plugin is called on the command line. */
export const PLUGIN_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** A plugin's file where it was found; it may not be trusted. */
export interface FoundPlugin {
  readonly name: string;
  /** As found: links not followed, a folder not entered. */
  readonly path: string;
}

/**
 * The user's own plugin folder; on Windows %APPDATA%\\nettrace\\plugins. Relative paths count as unset (XDG Base Directory Specification). Root under sudo has
 * root's own, whatever the environment of the other user says.
 */
export function pluginFolder(env: Readonly<Record<string, string | undefined>>, who: Who): string {
  const { XDG_CONFIG_HOME: config = "", HOME: home = "", APPDATA: roaming = "" } = env;
  if (who.profile !== undefined) {
    const base = [config, roaming].find((each) => isAbsolute(each)) ?? join(who.profile, "AppData", "Roaming");
    return join(base, "nettrace", "plugins");
  }
  const own = (): string => join(userInfo().homedir, ".config");
  const base =
    who.sudoUid !== undefined ? own() : isAbsolute(config) ? config : isAbsolute(home) ? join(home, ".config") : own();
  return join(base, "nettrace", "plugins");
}

/** `NAME.ts`, `NAME.js`, or a folder NAME with a package.json, in this order. */
export function findByName(folder: string, name: string): FoundPlugin | undefined {
  const path = [`${name}.ts`, `${name}.js`, join(name, "package.json")]
    .map((each) => join(folder, each))
    .find((each) => existsSync(each));
  if (path === undefined) return undefined;
  return { name, path: basename(path) === "package.json" ? join(folder, name) : path };
}

/** All that a name on the command line would find. */
export function listFolder(folder: string): readonly FoundPlugin[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).map((each) => basename(each, /^\.[jt]s$/.test(extname(each)) ? extname(each) : ""));
  return [...new Set(names)].sort().flatMap((name) => (PLUGIN_NAME.test(name) ? (findByName(folder, name) ?? []) : []));
}

/** A file to import, or why there is none to. */
export type Judged = { readonly file: string } | { readonly refused: string };

/** Follows links, enters a folder, and looks whether others could have written what is there. */
export function judge(path: string, who: Who, asked: boolean): Judged {
  try {
    const real = realpathSync(path);
    if (!statSync(real).isDirectory()) return judgeFile(real, who, asked);
    const manifest = realpathSync(join(real, "package.json"));
    const offence = distrust(manifest, who, asked);
    if (offence !== undefined) return { refused: offence };
    return judgeFile(realpathSync(join(real, entryOf(real, readFileSync(manifest, "utf8")))), who, asked);
  } catch (error) {
    return { refused: reasonOf(error) };
  }
}

function judgeFile(file: string, who: Who, asked: boolean): Judged {
  if (!/\.[cm]?[jt]s$/.test(file)) return { refused: `${file} is no .ts or .js file` };
  const offence = distrust(file, who, asked);
  return offence === undefined ? { file } : { refused: offence };
}

/** package.json's `exports` (a path, or one for "."), `module`, `main`; else index.ts or index.js. */
function entryOf(folder: string, manifest: string): string {
  const { exports, module, main }: Readonly<Record<string, unknown>> = Object(JSON.parse(manifest));
  const dot = Object(exports)["."] ?? exports;
  const conditional = Object(dot);
  const named = [dot, conditional["import"], conditional["default"], module, main].find(
    (each) => typeof each === "string",
  );
  return named ?? (existsSync(join(folder, "index.ts")) ? "index.ts" : "index.js");
}

export const UNREADABLE = "it may not be read";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: UNREADABLE,
  ELOOP: "its symbolic links go round",
};

function reasonOf(error: unknown): string {
  const { code, message } = Object(error);
  if (error instanceof SyntaxError) return `its package.json is no JSON (${message})`;
  const words = REASONS[String(code)];
  return words === undefined ? String(message) : words;
}
