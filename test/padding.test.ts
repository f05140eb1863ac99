import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simPluginBenches } from "../core/conformance/sim-benches.ts";
import { UsageError } from "../core/errors.ts";
import type { ProbeOptions, ProtocolPlugin } from "../core/plugin.ts";
import { createSimNetwork, type SimNetwork } from "../core/sim/network.ts";
import { closed, endpointOf, plain } from "../core/sim/topologies.ts";
import { parseIp } from "../core/wire/mod.ts";
import { icmp } from "../plugins/icmp.ts";
import { tcpConnect } from "../plugins/tcp-connect.ts";
import { tcpSyn } from "../plugins/tcp-syn.ts";
import { udp } from "../plugins/udp.ts";
import { pluginContract } from "./contract.ts";

const sized = (plugin: ProtocolPlugin, options: ProbeOptions): ProtocolPlugin => ({
  ...plugin,
  open: (network, target, given) => plugin.open(network, target, { ...given, ...options }),
});

const LARGE: ProbeOptions = { packetSize: 1401, fill: "random" };
pluginContract("icmp of 1401 octets", sized(icmp, LARGE), simPluginBenches({ port: 0 }), {
  marks: { plain: undefined, closed: undefined },
});
pluginContract("udp of 1401 octets", sized(udp, LARGE), simPluginBenches({ port: 33_434 }), {
  marks: { plain: "closed", closed: "closed" },
});
pluginContract("tcp-syn of 1401 octets", sized(tcpSyn, LARGE), simPluginBenches({ port: 443 }), {
  marks: { plain: "open", closed: "closed" },
});

/** The packet of one probe, and the sequence that the target's answer names. */
async function exchange(plugin: ProtocolPlugin, options: ProbeOptions, family: 4 | 6, port: number, isClosed = false) {
  const topology = isClosed ? closed() : plain(3);
  using network: SimNetwork = createSimNetwork(topology);
  using session = plugin.open(network, endpointOf(topology, family, port), options);
  session.send({ sequence: 7, hopLimit: 64, flow: 0, round: 0 });
  const packet = network.sent.at(-1)?.packet ?? new Uint8Array(0);
  for (;;) {
    const arrival = await network.receive(10_000);
    if (arrival === undefined) return { packet, sequence: undefined };
    const reply = session.match(arrival);
    if (reply !== undefined) return { packet, sequence: reply.sequence };
  }
}

describe("the size of probes", () => {
  const SMALLEST = { icmp: { 4: 28, 6: 48 }, udp: { 4: 28, 6: 48 }, "tcp-syn": { 4: 60, 6: 80 } } as const;
  const cases = [
    { plugin: icmp, port: 0, smallest: SMALLEST.icmp },
    { plugin: udp, port: 33_434, smallest: SMALLEST.udp },
    { plugin: tcpSyn, port: 443, smallest: SMALLEST["tcp-syn"] },
  ];
  for (const { plugin, port, smallest } of cases) {
    for (const family of [4, 6] as const) {
      const least = smallest[family];
      it(`of ${plugin.name} over IPv${family} is what was asked for, from ${least} octets on, and the answer is known`, async () => {
        for (const packetSize of [least, least + 1, least + 3, least + 11, 999, 1500]) {
          const { packet, sequence } = await exchange(plugin, { packetSize }, family, port);
          assert.deepEqual([packet.length, sequence], [packetSize, 7]);
        }
      });

      it(`of ${plugin.name} over IPv${family} cannot be less than ${least} nor more than fits`, async () => {
        for (const packetSize of [least - 1, family === 4 ? 65_536 : 65_576, 60.5]) {
          await assert.rejects(exchange(plugin, { packetSize }, family, port), UsageError);
        }
      });
    }
  }

  it("may be acknowledged by a reset in full, and the probe is still known", async () => {
    const { sequence } = await exchange(tcpSyn, { packetSize: 60 }, 4, 443, true);
    assert.equal(sequence, 7);
  });

  it("is the kernel's with tcp-connect", () => {
    const topology = plain(3);
    using network = createSimNetwork(topology);
    for (const options of [{ packetSize: 100 }, { fill: "random" }] as const) {
      assert.throws(() => tcpConnect.open(network, endpointOf(topology, 4, 443), options), UsageError);
    }
  });
});

describe("the filling of probes", () => {
  it("repeats the octets given behind what the probe itself says", async () => {
    const { packet } = await exchange(icmp, { packetSize: 128, fill: Uint8Array.of(0xde, 0xad) }, 4, 0);
    const body = parseIp(packet)?.payload.subarray(20) ?? new Uint8Array(0);
    assert.equal(body.length, 88);
    assert.deepEqual(new Set(body), new Set([0xde, 0xad]));
  });

  it("is zeros where nothing is asked for", async () => {
    const { packet } = await exchange(udp, { packetSize: 128 }, 4, 33_434);
    assert.deepEqual(new Set(packet.subarray(28 + 10)), new Set([0]));
  });
});
