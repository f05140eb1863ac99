import type { Rung } from "../../core/mod.ts";
import { type HostProfile, UNPRIVILEGED } from "../../core/sim/host.ts";
import { builtInPlugins, defaultOrder } from "../../plugins/mod.ts";
import type { Probing } from "./case.ts";

/** A user of a host, and what works there. */
export interface Profile {
  readonly name: string;
  readonly host: HostProfile;
  /** Plugins whose sockets this user gets. */
  readonly plugins: readonly string[];
  readonly auto: boolean;
}

const NO_RAW_SOCKETS: HostProfile = { refusedSockets: [{ types: ["raw"], errno: "EPERM" }] };

export const PROFILES: readonly Profile[] = [
  { name: "root", host: {}, plugins: ["icmp", "udp", "tcp-syn", "tcp-connect"], auto: true },
  { name: "nobody, in ping_group_range", host: NO_RAW_SOCKETS, plugins: ["icmp"], auto: false },
  { name: "nobody", host: UNPRIVILEGED, plugins: ["udp", "tcp-connect"], auto: true },
];

/** A plugin with the port of the suite. */
export function rungOf(name: string): Rung {
  return rung(name, name.startsWith("tcp") ? portOf("tcp") : 0);
}

function rung(name: string, port: number): Rung {
  const plugin = builtInPlugins.find((each) => each.name === name);
  if (plugin === undefined) throw new TypeError(`Cannot trace by ${name}: there is no such plugin`);
  return { plugin, port };
}

/** Each plugin by itself and, where the profile has it, `auto` with all of them. */
export function subjectsOf({ plugins, auto }: Profile): readonly { name: string; ladder: readonly Rung[] }[] {
  const single = plugins.map((name) => ({ name, ladder: [rungOf(name)] }));
  const ladder = defaultOrder.map(({ name, port }) => rung(name, port ?? 0));
  return [...single, ...(auto ? [{ name: "auto", ladder }] : [])];
}

/** Where the probes of the suite go. */
export function portOf(probing: Probing): number {
  return probing === "tcp" ? 443 : probing === "udp" ? 33_434 : 0;
}
