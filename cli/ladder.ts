import { type ProtocolPlugin, type Rung, UsageError } from "../core/mod.ts";
import type { ProtocolChoice } from "./context.ts";
import { echo } from "./host.ts";
import { checkPort } from "./options.ts";

export interface LadderRequest {
  /** `--order`: names with optional ports. */
  readonly order?: string | undefined;
  /** `-p`: replaces the TCP ports of the ladder. */
  readonly ports?: string | undefined;
}

/** The rungs of `auto`. Throws UsageError. */
export function buildLadder(
  { plugins, order }: ProtocolChoice,
  { order: asked, ports }: LadderRequest,
): readonly Rung[] {
  const names = asked?.split(",").map((each) => each.trim());
  const rungs =
    names?.map((name) => parseRung("--order", name, plugins)) ??
    order.map(({ name, port }) => ({ plugin: findPlugin("--order", name, plugins), port: port ?? 0 }));
  if (ports === undefined) return rungs;
  if (!rungs.some(isTcp)) throw new UsageError("Cannot use -p: no protocol of the order uses TCP");
  return withTcpPorts(
    rungs,
    ports.split(",").map((each) => checkPort("-p", each.trim())),
  );
}

/** The rungs that are left on each TCP port of a ladder where no hops can be seen; none where the order was asked for. */
export function lastRungs({ plugins, last }: ProtocolChoice, ladder: readonly Rung[], asked?: string): readonly Rung[] {
  const plugin = asked === undefined ? plugins.find(({ name }) => name === last) : undefined;
  if (plugin === undefined) return [];
  const ports = new Set(ladder.filter(isTcp).map((rung) => rung.port || (rung.plugin.defaultPort ?? 0)));
  return [...ports].map((port) => ({ plugin, port, always: true }));
}

/** `PLUGIN` or `PLUGIN:PORT`. Throws UsageError. */
export function parseRung(option: string, text: string, plugins: readonly ProtocolPlugin[]): Rung {
  const colon = text.indexOf(":");
  const plugin = findPlugin(option, colon < 0 ? text : text.slice(0, colon), plugins);
  if (colon < 0) return { plugin, port: 0 };
  if (plugin.defaultPort === undefined) {
    throw new UsageError(`Cannot use ${option} ${echo(text)}: ${plugin.name} has no ports`);
  }
  return { plugin, port: checkPort(option, text.slice(colon + 1), text) };
}

function findPlugin(option: string, name: string, plugins: readonly ProtocolPlugin[]): ProtocolPlugin {
  const plugin = plugins.find((each) => each.name === name);
  if (plugin !== undefined) return plugin;
  const known = plugins.map((each) => each.name).join(", ");
  throw new UsageError(`Cannot use ${option} ${echo(name) || '""'}: the protocols are ${known}`);
}

/** Each TCP protocol once, where it first stood, for every port. */
function withTcpPorts(rungs: readonly Rung[], ports: readonly number[]): readonly Rung[] {
  const done = new Set<ProtocolPlugin>();
  return rungs.flatMap((rung) => {
    if (!isTcp(rung)) return [rung];
    if (done.has(rung.plugin)) return [];
    done.add(rung.plugin);
    return [...new Set(ports)].map((port) => ({ plugin: rung.plugin, port }));
  });
}

/** A plugin does not say what it is carried by: its name does, by convention. */
function isTcp({ plugin }: Rung): boolean {
  return plugin.name.startsWith("tcp-");
}
