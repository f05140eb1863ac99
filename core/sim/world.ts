import { parseAddress } from "../address.ts";
import { parseIp } from "../wire/mod.ts";
import { createEngine, type Engine } from "./engine.ts";
import type { Topology } from "./topology.ts";

/** Several targets, each behind a path of its own; what goes to none of them takes the first path. */
export function createWorld(topologies: readonly [Topology, ...Topology[]], seed: number): Engine {
  const [first, ...others] = topologies.map((topology) => createEngine(topology, seed));
  if (first === undefined) throw new TypeError("Cannot make a world of no topology");
  if (others.length === 0) return first;
  const byTarget = new Map<string, Engine>();
  for (const [index, { target }] of topologies.slice(1).entries()) {
    const engine = others[index];
    for (const text of [target.v4, target.v6]) if (text !== undefined && engine) byTarget.set(keyOf(text), engine);
  }
  return {
    send(packet, atMs) {
      const destination = parseIp(packet)?.destination;
      const engine = destination && byTarget.get(destination.join(" "));
      return (engine ?? first).send(packet, atMs);
    },
  };
}

function keyOf(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`Cannot build a world: ${text} is no address`);
  return address.bytes.join(" ");
}
