/**
 * Hooks of the module loader of Node and Deno (node:module): they give `nettrace` to plugins, and look at each file that
 * a plugin is about to run. Before Node 22.15 they live in a thread of their own, for which this file is the program.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { distrust, type Who } from "./trust.ts";

/** What an `import` of a plugin's file starts with, before the file's URL; the second where a user gave its path. */
export const FOUND = "nettrace-plugin-found:";
export const ASKED = "nettrace-plugin-asked:";

/** What refusals start with: an error that crosses threads keeps nothing but its message. */
export const UNTRUSTED = "untrusted: ";

const OWN_NAME = "nettrace";
const OWN_URL = "nettrace-core:";

export interface HookSettings {
  readonly who: Who;
  /** The module that plugins get for `nettrace`. */
  readonly ownSource: string;
  /** `require` goes through these hooks as `import` does. */
  readonly seesRequire: boolean;
}

interface Resolved {
  readonly url: string;
  readonly format?: string | null | undefined;
  readonly shortCircuit?: boolean | undefined;
}

interface Loaded {
  readonly format: string | null | undefined;
  readonly source?: string | ArrayBuffer | NodeJS.TypedArray | undefined;
  readonly shortCircuit?: boolean | undefined;
}

type Eventual<T> = T | Promise<T>;

/** Each hook waits where the next one does: in a thread of their own all are asynchronous, else none is. */
export interface Hooks {
  resolve<C extends { readonly parentURL?: string | undefined }>(
    specifier: string,
    context: C,
    next: (specifier: string, context: C) => Eventual<Resolved>,
  ): Eventual<Resolved>;
  load<C>(url: string, context: C, next: (url: string, context: C) => Eventual<Loaded>): Eventual<Loaded>;
}

export function createHooks({ who, ownSource, seesRequire }: HookSettings): Hooks {
  /** URLs of all that a plugin has led to, and whether it was asked for by its path. */
  const plugins = new Map<string, boolean>();
  const assertTrusted = (file: string, isAsked: boolean): void => {
    // What is not there is left for the loader to tell.
    const offence = existsSync(file) ? distrust(realpathSync(file), who, isAsked) : undefined;
    if (offence !== undefined) throw new Error(UNTRUSTED + offence);
  };
  return {
    resolve(specifier, context, next) {
      const entry = [FOUND, ASKED].find((prefix) => specifier.startsWith(prefix));
      const isAsked = entry === undefined ? plugins.get(context.parentURL ?? "") : entry === ASKED;
      if (isAsked === undefined) return next(specifier, context);
      if (specifier === OWN_NAME) return { url: OWN_URL, format: "module", shortCircuit: true };
      return then(next(specifier.slice(entry?.length ?? 0), context), (resolved) => {
        if (resolved.url.startsWith("file:")) plugins.set(resolved.url, isAsked);
        return resolved;
      });
    },
    load(url, context, next) {
      if (url === OWN_URL) return { format: "module", source: ownSource, shortCircuit: true };
      const isAsked = plugins.get(url);
      if (isAsked === undefined) return next(url, context);
      const file = fileURLToPath(url);
      assertTrusted(file, isAsked);
      return then(next(url, context), (loaded) => {
        const isBlind = loaded.format === "commonjs" && !seesRequire;
        if (isBlind) for (const each of requiredBy(file)) assertTrusted(each, isAsked);
        return loaded;
      });
    },
  };
}

function then<T>(value: Eventual<T>, use: (value: T) => T): Eventual<T> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** A name in a comment or a string is one too many, which does no harm. */
const REQUIRE = /\brequire\s*\(\s*(["'`])([^"'`]+)\1/g;

/** A CommonJS file and all that it would load by `require` with a constant name, and so on. */
function requiredBy(entry: string): ReadonlySet<string> {
  const files = new Set([entry]);
  for (const file of files) {
    if (!/\.c?js$/.test(file)) continue;
    const { resolve } = createRequire(file);
    for (const [, , name = ""] of readFileSync(file, "utf8").matchAll(REQUIRE)) {
      try {
        const found = resolve(name);
        if (isAbsolute(found)) files.add(found);
      } catch {
        // What cannot be found is left for the `require` itself to tell, if it ever runs.
      }
    }
  }
  return files;
}

let hooks: Hooks | undefined;

/** Called by Node in the hooks' own thread, before the others. */
export function initialize(settings: HookSettings): void {
  hooks = createHooks(settings);
}

export const resolve: Hooks["resolve"] = (specifier, context, next) =>
  hooks === undefined ? next(specifier, context) : hooks.resolve(specifier, context, next);

export const load: Hooks["load"] = (url, context, next) =>
  hooks === undefined ? next(url, context) : hooks.load(url, context, next);
