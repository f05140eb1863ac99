/**
 * A simulated path behind a TUN device: `path.ts DEVICE TOPOLOGY.json SEED RECORD.jsonl`. Whatever the kernel routes into
 * the device goes through the topology in real time; answers come back when they are due. Blocks its thread: a process
 * of its own. Prints `ready` when the device is there, and notes each packet that came in as a line of RECORD.jsonl.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { addressFromBytes } from "../../../core/address.ts";
import { flowKey } from "../../../core/sim/balance.ts";
import { createEngine, type Engine } from "../../../core/sim/engine.ts";
import { createEventQueue } from "../../../core/sim/event-queue.ts";
import { echoPacket, tcpPacket, udpPacket } from "../../../core/sim/packets.ts";
import type { Topology } from "../../../core/sim/topology.ts";
import { parseIp } from "../../../core/wire/mod.ts";
import { openTun } from "./device.ts";

/** Sleeps end late by some ten microseconds: the last of a wait is spent looking at the clock. */
const SPIN_MS = 0.12;
/** After so long without anything due the record is written out. */
const IDLE_MS = 3;

const [name = "", topologyFile = "", seed = "1", recordFile = ""] = process.argv.slice(2);
const topology = JSON.parse(readFileSync(topologyFile, "utf8")) as Topology;
const device = openTun(name);

/** Compiled code answers in time from the first packet on. */
function warmUp(engine: Engine): void {
  for (let round = 0; round < 400; round += 1) {
    for (const make of [udpPacket, tcpPacket, echoPacket]) {
      for (const family of [4, 6] as const) engine.send(make({ family, hopLimit: 1 + (round % 16) }), round);
    }
  }
}
warmUp(createEngine(topology, Number(seed)));

const engine = createEngine(topology, Number(seed));
const due = createEventQueue<Uint8Array>();
let noted: string[] = [];

function note(packet: Uint8Array, atMs: number): void {
  const ip = parseIp(packet);
  if (ip === undefined) return;
  const to = addressFromBytes(ip.destination).text;
  const record = { at_ms: atMs, hop_limit: ip.hopLimit, protocol: ip.protocol, to, flow: flowKey(ip, { icmp: false }) };
  noted.push(JSON.stringify({ ...record, octets: packet.length }));
}

/** Takes in what came; the time of arrival is now, since nothing else keeps this thread from looking. */
function takeIn(): void {
  for (let packet = device.read(); packet !== undefined; packet = device.read()) {
    const atMs = device.nowMs();
    note(packet, atMs);
    for (const delivery of engine.send(packet, atMs)) due.push(delivery.atMs, delivery.packet);
  }
}

writeFileSync(recordFile, "");
process.stdout.write("ready\n");
for (;;) {
  takeIn();
  while (due.nextAtMs() <= device.nowMs()) {
    const packet = due.pop()?.event;
    if (packet !== undefined) device.write(packet);
  }
  const leftMs = due.nextAtMs() - device.nowMs();
  if (leftMs > IDLE_MS && noted.length > 0) {
    appendFileSync(recordFile, `${noted.join("\n")}\n`);
    noted = [];
    continue;
  }
  if (leftMs > SPIN_MS) device.wait(Math.min(leftMs - SPIN_MS, 1000));
}
