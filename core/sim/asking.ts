import assert from "node:assert/strict";
import { parseIcmp, parseQuote } from "../wire/mod.ts";
import { createEngine, type Delivery } from "./engine.ts";
import { payloadIsSound } from "./node.ts";
import { parsed, textOf } from "./packets.ts";
import type { Topology } from "./topology.ts";

/** What the engine answers to one packet; each answer is a sound packet to the host. */
export function ask(topology: Topology, packet: Uint8Array, seed = 1): readonly Delivery[] {
  return createEngine(topology, seed).send(packet, 100);
}

/** Answers as text: "address type/code" for ICMP errors, else "address". Undefined: silence. */
export function heard(topology: Topology, packet: Uint8Array): string | undefined {
  const [delivery] = ask(topology, packet);
  if (delivery === undefined) return undefined;
  const ip = parsed(delivery.packet);
  assert.ok(payloadIsSound(ip), "an answer's checksum is right");
  const error = parseQuote(ip.payload, ip.version) === undefined ? undefined : parseIcmp(ip.payload);
  const from = textOf(ip.source);
  const isError = error !== undefined && (ip.protocol === 1 || ip.protocol === 58);
  return isError ? `${from} ${error.type}/${error.code}` : from;
}
