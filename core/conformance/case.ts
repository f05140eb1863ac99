import type { Family } from "../address.ts";
import type { ProtocolPlugin } from "../plugin.ts";
import type { Bench, PluginBenches, Situation } from "./bench.ts";

/** What whoever asks knows of a plugin beforehand. Absent: not asked. */
export interface Expectations {
  /** `Reply.mark` of the target in the arrangements `plain` and `closed`. */
  readonly marks?: { readonly plain: string | undefined; readonly closed: string | undefined };
  /** The mode in which its sessions must run. */
  readonly mode?: string;
  /**
   * Families whose sockets report success where OUTPUT drops a packet (Linux: IPv6 ping sockets). The refusal must be
   * told all the same, by other evidence in place of the errno.
   */
  readonly silentDrops?: readonly Family[];
}

/** A plugin under examination. */
export interface Subject {
  readonly plugin: ProtocolPlugin;
  readonly expects: Expectations;
  /** The IP protocol of what it sends, where that is known. */
  readonly protocol: number | undefined;
  /** A TCP handshake is not all: only what is said after it shows that the target was reached. */
  readonly speaks: boolean;
  readonly allows: NonNullable<PluginBenches["allows"]>;
}

/** One behaviour that every plugin shows. */
export interface ConformanceCase {
  /** A sentence of behaviour, with the plugin as its subject. */
  readonly name: string;
  readonly situation: Situation;
  /** `sent`: what left must be known. */
  readonly needs?: "sent";
  /** Why it cannot be asked of this plugin here; undefined: it can. */
  readonly obstacle?: (subject: Subject, benches: PluginBenches) => string | undefined;
  /** Throws an Error with the reason where the plugin behaves otherwise. */
  run(bench: Bench, subject: Subject): Promise<void> | void;
}

/** Why a case is not run, or undefined. */
export function whySkipped(each: ConformanceCase, subject: Subject, benches: PluginBenches): string | undefined {
  if (benches[each.situation] === undefined) return `no arrangement "${each.situation}" on this network`;
  if (each.needs === "sent" && !benches.recordsSent) return "this network does not tell what left";
  return each.obstacle?.(subject, benches);
}

/** Runs a case on a bench of its own. */
export async function runCase(
  each: ConformanceCase,
  subject: Subject,
  benches: PluginBenches,
  family: Family,
): Promise<void> {
  const make = benches[each.situation];
  if (make === undefined) throw new TypeError(`Cannot run a case: there is no arrangement "${each.situation}"`);
  const bench = await make(family);
  using _network = bench.network;
  await each.run(bench, subject);
}
