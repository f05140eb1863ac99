/**
 * Runs inside of a namespace of its own: tries what its arguments name ("udp4", "dial6"…) and prints what came of each
 * as a JSON array: "<errno> <stage>", or the first arrival in words. `--send=JSON` and `--size=N` (octets behind the IP
 * header) hold for what follows.
 */

import type { Family } from "../../core/address.ts";
import { SocketError } from "../../core/errors.ts";
import type { Arrival, Network, SendOptions } from "../../core/network.ts";
import { encodeEcho } from "../../core/wire/mod.ts";
import { address, LOOPBACK, openNetwork } from "./host.ts";

const OUTSIDE = { 4: address("10.9.1.1"), 6: address("fd09:1::1") } as const;
const HOP_LIMIT = 9;
const WAIT_MS = 150;

let send: SendOptions = {};
let size = 16;

function say(arrival: Arrival | undefined): string {
  switch (arrival?.kind) {
    case "error":
      return `${arrival.icmp.type}/${arrival.icmp.code} from ${arrival.offender.text}${arrival.local ? " local" : ""}`;
    case "handshake":
      return `${arrival.state}${arrival.local ? " local" : ""}`;
    case "packet":
      return `packet from ${arrival.from.text}`;
    default:
      return "silence";
  }
}

async function answer(network: Network): Promise<string> {
  const untilMs = network.nowMs() + WAIT_MS;
  let arrival: Arrival | undefined;
  do {
    arrival = await network.receive(untilMs);
  } while (arrival?.kind === "departure");
  return say(arrival);
}

async function attempt(network: Network, what: string, family: Family, isLoopback: boolean): Promise<string> {
  const to = { address: isLoopback ? LOOPBACK[family] : OUTSIDE[family], port: 9 };
  if (what === "route") return network.route(to.address).interface ?? "unknown";
  if (what === "dial") {
    using _dialed = network.dial(to, HOP_LIMIT, 0);
    return await answer(network);
  }
  using socket =
    what === "raw"
      ? network.open({ type: "raw", protocol: family === 4 ? 1 : 58 }, family)
      : network.open({ type: what === "ping" ? "ping" : "udp" }, family);
  const source = LOOPBACK[family].bytes;
  const ends = { source, destination: to.address.bytes };
  const echo = encodeEcho({
    version: family,
    request: true,
    identifier: 1,
    sequence: 1,
    payload: new Uint8Array(size - 8),
    ...ends,
  });
  socket.send(what === "udp" ? new Uint8Array(size - 8) : echo, to, HOP_LIMIT, 1);
  return await answer(network);
}

const results: string[] = [];
for (const argument of process.argv.slice(2)) {
  const [, option, value = ""] = /^--(send|size)=(.*)$/.exec(argument) ?? [];
  if (option === "send") send = JSON.parse(value) as SendOptions;
  if (option === "size") size = Number(value);
  if (option !== undefined) continue;
  const [, what = "", digit, loopback] = /^([a-z]+)([46])(-loopback)?$/.exec(argument) ?? [];
  using network = openNetwork(send);
  try {
    results.push(await attempt(network, what, digit === "4" ? 4 : 6, loopback !== undefined));
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    results.push(
      `${error.errno ?? error.evidence} ${error.stage}${error.mtu === undefined ? "" : ` mtu ${error.mtu}`}`,
    );
  }
}
console.log(JSON.stringify(results));
