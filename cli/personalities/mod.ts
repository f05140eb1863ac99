/** The tools that people already know, each played by the executable under that tool's name. */
import type { Family } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";

/** What a personality is told beside its command line. */
export interface PersonalityCall {
  /** The name under which it was asked for, as the real tool would print it. */
  readonly calledAs: string;
  /** A trailing 4 or 6 of that name. */
  readonly family: Family | undefined;
}

/** Runs a tool's command line (without its name) and returns the exit status that the tool would. */
export type Personality = (argv: readonly string[], context: CommandContext, call: PersonalityCall) => Promise<number>;

/** Loaded when they are called for. */
const PERSONALITIES: Readonly<Record<string, () => Promise<Personality>>> = {
  mtr: async () => (await import("./mtr/mod.ts")).mtr,
  ping: async () => (await import("./ping/mod.ts")).ping,
  tcptraceroute: async () => (await import("./tcptraceroute/mod.ts")).tcptraceroute,
  tracert: async () => (await import("./tracert/mod.ts")).tracert,
  traceroute: async () => (await import("./traceroute/mod.ts")).traceroute,
};

/** What `nettrace link` makes: the names that people and scripts type. */
export const LINK_NAMES: readonly string[] = [
  "traceroute",
  "traceroute6",
  "mtr",
  "ping",
  "ping6",
  "tracert",
  "tcptraceroute",
];

/** They send round after round. */
const LASTING: ReadonlySet<string> = new Set(["mtr", "ping"]);

export interface NamedPersonality {
  readonly load: () => Promise<Personality>;
  readonly call: PersonalityCall;
  readonly isLasting: boolean;
}

/**
 * By a command's name or by the path that the executable was started under: `mtr`, `/usr/local/bin/ping6`,
 * `C:\\tools\\tracert.exe`.
 */
export function findPersonality(name: string): NamedPersonality | undefined {
  const base = name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1).replace(/\.exe$/i, "");
  const [, stem = "", digit] = /^(.*?)([46])?$/.exec(base) ?? [];
  const load = Object.hasOwn(PERSONALITIES, stem) ? PERSONALITIES[stem] : undefined;
  if (load === undefined) return undefined;
  const family = digit === "4" ? 4 : digit === "6" ? 6 : undefined;
  return { load, call: { calledAs: base, family }, isLasting: LASTING.has(stem) };
}
