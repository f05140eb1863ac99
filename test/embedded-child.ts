/**
 * A program that uses the library as any other would, and does nothing else: it writes what it found into the file that
 * its argument names, as JSON, and ends by itself.
 */
import { writeFileSync } from "node:fs";
import type { Network, ProtocolPlugin, TraceEvent } from "../core/mod.ts";
import type { Embedded } from "./embedded.test.ts";

const globalsBefore = new Set(Object.getOwnPropertyNames(globalThis));
const listenersBefore = listeners();

const { createPath, openSystemNetwork, parseAddress, trace } = await import("../core/mod.ts");
const { createSimNetwork } = await import("../core/sim/network.ts");
const { plain } = await import("../core/sim/topologies.ts");
const { icmp, tcpConnect, udp } = await import("../plugins/mod.ts");

/** Event listeners of the process, all kinds together. */
function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

interface Traced {
  readonly outcome: string;
  readonly hops: number;
  readonly last: TraceEvent["type"] | undefined;
}

/** Traces to the end; or up to the first answer, where it is then aborted. */
async function traced(network: Network, plugin: ProtocolPlugin, to: string, isAborted = false): Promise<Traced> {
  const address = parseAddress(to);
  if (address === undefined) throw new Error(`Cannot trace to ${to}`);
  const abort = new AbortController();
  const path = createPath();
  let last: TraceEvent["type"] | undefined;
  for await (const event of trace(network, { plugin, target: { address, port: 0 }, signal: abort.signal })) {
    path.apply(event);
    last = event.type;
    if (isAborted && event.type === "reply") abort.abort();
  }
  return { outcome: path.outcome ?? "none", hops: path.hops().length, last };
}

const [short, long, aborted] = [createSimNetwork(plain(4)), createSimNetwork(plain(9)), createSimNetwork(plain(9))];
const simulated = await Promise.all([
  traced(short, icmp, "198.51.100.10"),
  traced(long, icmp, "2001:db8:ffff::10"),
  traced(aborted, icmp, "198.51.100.10", true),
]);

const [one, other] = await Promise.all([openSystemNetwork(), openSystemNetwork()]);
const real = await Promise.all([traced(one, udp, "127.0.0.1"), traced(other, tcpConnect, "127.0.0.1")]);
const listenersBetween = listeners();
for (const network of [short, long, aborted, one, other]) network[Symbol.dispose]();

const found: Embedded = {
  simulated,
  real,
  openSockets: [short, long, aborted].map(({ openSockets }) => openSockets),
  listeners: { before: listenersBefore, between: listenersBetween, after: listeners() },
  globals: Object.getOwnPropertyNames(globalThis).filter((name) => !globalsBefore.has(name)),
};
writeFileSync(process.argv[2] ?? "", JSON.stringify(found));
