import assert from "node:assert/strict";
import { it } from "node:test";
import { ask, heard } from "../../core/sim/asking.ts";
import { createEngine } from "../../core/sim/engine.ts";
import { echoPacket, parsed, strangePacket, tcpPacket, udpPacket } from "../../core/sim/packets.ts";
import * as topologies from "../../core/sim/topologies.ts";
import type { Target, Topology } from "../../core/sim/topology.ts";
import { parseTcp, parseUdp, TCP_FLAG } from "../../core/wire/mod.ts";

const withTarget = (more: Omit<Target, "v4" | "v6">): Topology => ({
  ...topologies.plain(3),
  target: topologies.target(more),
});

/** Registers the tests of what the host at the end of a path answers. */
export function targetTests(): void {
  const flagsOf = (topology: Topology, packet: Uint8Array): number | undefined => {
    const [answer] = ask(topology, packet);
    return answer === undefined ? undefined : parseTcp(parsed(answer.packet).payload)?.flags;
  };

  it("answers TCP by port: open, closed, silent, prohibited", () => {
    const tcp = { others: "closed", ports: { 443: "open", 25: "silent", 22: "prohibited" } } as const;
    assert.equal(flagsOf(withTarget({ tcp }), tcpPacket()), TCP_FLAG.syn | TCP_FLAG.ack);
    assert.equal(flagsOf(withTarget({ tcp }), tcpPacket({ port: 81 })), TCP_FLAG.rst | TCP_FLAG.ack);
    assert.equal(heard(withTarget({ tcp }), tcpPacket({ port: 25 })), undefined);
    assert.equal(heard(withTarget({ tcp }), tcpPacket({ port: 22 })), "198.51.100.10 3/13");
  });

  it("keeps a handshake in mind, and resets segments of none", () => {
    const engine = createEngine(topologies.plain(3), 1);
    const flags = (packet: Uint8Array): number | undefined => {
      const [answer] = engine.send(packet, 0);
      return answer && parseTcp(parsed(answer.packet).payload)?.flags;
    };
    const { syn, ack, fin, rst } = TCP_FLAG;
    assert.equal(flags(tcpPacket({ flags: ack })), rst);
    assert.equal(flags(tcpPacket({ flags: syn })), syn | ack);
    assert.equal(flags(tcpPacket({ flags: ack })), undefined);
    assert.equal(flags(tcpPacket({ flags: fin | ack })), fin | ack);
    assert.equal(flags(tcpPacket({ flags: ack })), rst);
  });

  it("answers UDP by a datagram, an error or nothing", () => {
    const [answer] = ask(withTarget({ udp: "answer" }), udpPacket({ port: 53 }));
    const udp = parseUdp(parsed(answer?.packet).payload);
    assert.deepEqual([udp?.sourcePort, udp?.destinationPort], [53, 40_000]);
    assert.equal(heard(withTarget({}), udpPacket({ family: 6 })), "2001:db8:ffff::10 1/4");
    assert.equal(heard(withTarget({ udp: "silent" }), udpPacket()), undefined);
  });

  it("answers echo, unless told not to, and refuses unknown protocols", () => {
    assert.equal(heard(withTarget({}), echoPacket({ family: 6 })), "2001:db8:ffff::10");
    assert.equal(heard(withTarget({ icmp: "silent" }), echoPacket()), undefined);
    assert.equal(heard(withTarget({}), strangePacket()), "198.51.100.10 3/2");
    assert.equal(heard(withTarget({}), strangePacket({ family: 6 })), "2001:db8:ffff::10 4/1");
    assert.equal(heard(withTarget({ otherProtocols: "silent" }), strangePacket()), undefined);
  });

  it("takes no notice of probes with a wrong checksum", () => {
    for (const make of [udpPacket, tcpPacket, echoPacket]) {
      const packet = make({});
      const last = packet.length - 1;
      packet[last] = (packet[last] ?? 0) ^ 1;
      assert.equal(heard(withTarget({}), packet), undefined);
    }
  });
}
