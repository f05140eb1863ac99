import { type ProtocolPlugin, type Rung, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";
import { checkPort } from "../options.ts";

/** What `-p` names: how it is called, and the protocols that can show its way, most capable first. */
export interface Asked {
  readonly label: string;
  readonly ladder: readonly Rung[];
}

/** More would take minutes. */
const MOST = 64;

/** `25`, `tcp/25`, `udp/53`, `icmp`, separated by commas; a bare number is TCP. Throws UsageError. */
export function parseAsked(text: string, plugins: readonly ProtocolPlugin[]): readonly Asked[] {
  const find = (name: string): ProtocolPlugin => {
    const plugin = plugins.find((each) => each.name === name);
    if (plugin === undefined) throw new UsageError(`Cannot use -p ${echo(text)}: there is no plugin ${name}`);
    return plugin;
  };
  const asked = text.split(",").map((word): Asked => {
    const [, protocol = "tcp", port] = /^\s*(?:(tcp|udp)\/)?(\d+)\s*$/.exec(word) ?? [];
    if (port !== undefined) {
      const number = checkPort("-p", port, text);
      const names = protocol === "udp" ? ["udp"] : ["tcp-syn", "tcp-connect"];
      return { label: `${protocol}/${number}`, ladder: names.map((name) => ({ plugin: find(name), port: number })) };
    }
    if (word.trim() === "icmp") return { label: "icmp", ladder: [{ plugin: find("icmp"), port: 0 }] };
    throw new UsageError(`Cannot use -p ${echo(text) || '""'}: give ports, such as 25,tcp/443,udp/53,icmp`);
  });
  if (asked.length > MOST) throw new UsageError(`Cannot use -p with ${asked.length} ports: ${MOST} at most`);
  return asked;
}
