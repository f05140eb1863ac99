import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SimBenchesOptions, simPluginBenches } from "../../core/conformance/sim-benches.ts";
import dns from "../../examples/plugins/dns.ts";
import http from "../../examples/plugins/http.ts";
import ntp from "../../examples/plugins/ntp.ts";
import quic from "../../examples/plugins/quic.ts";
import sctp from "../../examples/plugins/sctp.ts";
import tcpAck from "../../examples/plugins/tcp-ack.ts";
import { pluginContract } from "../contract.ts";
import { crc32c, nameServer, quicServer, sctpServer, timeServer } from "./services.ts";

const NO_RAW = {
  host: { refusedSockets: [{ types: ["raw"], errno: "EPERM" }] },
  allows: ["ping", "none"],
} as const;
const INPUT_DROPS = { host: { inputDropsIcmpErrors: true } } as const;
type More = Omit<SimBenchesOptions, "port">;

const UDP_SERVICES = [
  { plugin: dns, port: 53, server: nameServer(0), mark: "NOERROR" },
  { plugin: ntp, port: 123, server: timeServer(2), mark: "stratum-2" },
  { plugin: quic, port: 443, server: quicServer([0x1a2a3a4a ^ 0x10101010, 1, 0x6b3343cf]), mark: "v1,v2" },
];

for (const { plugin, port, server, mark } of UDP_SERVICES) {
  // Where nobody serves, a port that is unreachable is closed.
  const marks = { plain: mark, closed: "closed" };
  const benches = (more: More) => simPluginBenches({ port, open: { udp: server }, ...more });
  pluginContract(plugin.name, plugin, benches({}), { marks, mode: "udp+raw-icmp" });
  pluginContract(`${plugin.name} without privilege`, plugin, benches(NO_RAW), { marks, mode: "error-queue" });
  pluginContract(`${plugin.name} behind an INPUT rule that drops errors`, plugin, benches(INPUT_DROPS), { marks });
}

const RESET = { marks: { plain: "unfiltered", closed: "unfiltered" } };
const resets = (more: More) => simPluginBenches({ port: 443, ...more });
pluginContract("tcp-ack", tcpAck, resets({}), { ...RESET, mode: "raw" });
pluginContract("tcp-ack behind an INPUT rule that drops errors", tcpAck, resets(INPUT_DROPS), RESET);

const ASSOCIATION = { marks: { plain: "open", closed: "closed" } };
const ends = { open: { otherProtocols: sctpServer(2) }, closed: { otherProtocols: sctpServer(6) } };
const associations = (more: More) => simPluginBenches({ port: 80, ...ends, ...more });
pluginContract("sctp", sctp, associations({}), { ...ASSOCIATION, mode: "raw" });
pluginContract("sctp behind an INPUT rule that drops errors", sctp, associations(INPUT_DROPS), ASSOCIATION);

const PAGES = { marks: { plain: "200", closed: "closed" }, mode: "connect" };
pluginContract("http", http, simPluginBenches({ port: 80, ...NO_RAW }), PAGES);

describe("the servers of these tests", () => {
  it("sum SCTP packets as RFC 3720 does in its examples (appendix B.4)", () => {
    assert.equal(crc32c(new Uint8Array(32)), 0xaa36918a);
    assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x43aba862);
    assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x4e79dd46);
  });
});
