import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Family, type ProtocolPlugin, type Reply, type ReplyEvent, trace, UsageError } from "nettrace";
import { probe } from "../../core/conformance/session.ts";
import { type HostProfile, UNPRIVILEGED } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, minimalQuotes, plain, respondersOf } from "../../core/sim/topologies.ts";
import type { Service, Target, Topology } from "../../core/sim/topology.ts";
import dns from "../../examples/plugins/dns.ts";
import ntp from "../../examples/plugins/ntp.ts";
import quic from "../../examples/plugins/quic.ts";
import sctp from "../../examples/plugins/sctp.ts";
import tcpAck from "../../examples/plugins/tcp-ack.ts";
import { nameServer, quicServer, sctpServer, timeServer } from "./services.ts";

const FAMILIES: readonly Family[] = [4, 6];
const SERVED: Readonly<Record<string, Partial<Target>>> = {
  dns: { udp: nameServer(0) },
  ntp: { udp: timeServer(2) },
  quic: { udp: quicServer([1]) },
  sctp: { otherProtocols: sctpServer(2) },
  "tcp-ack": {},
};

function served(topology: Topology, more: Partial<Target> | undefined): Topology {
  return { ...topology, target: { ...topology.target, ...more } };
}

/** Traces with a plugin of ours and gives the answers, once each has been shown to be the one of its hop. */
async function traced(plugin: ProtocolPlugin, topology: Topology, family: Family, host: HostProfile) {
  using network = createSimNetwork(topology, { host });
  const target = endpointOf(topology, family, plugin.defaultPort ?? 0);
  const replies: ReplyEvent[] = [];
  const modes: string[] = [];
  const responders = respondersOf(topology, family);
  let outcome: string | undefined;
  for await (const event of trace(network, { plugin, target, onOpen: (mode) => modes.push(mode) })) {
    // The target answers the single probes past it as well.
    if (event.type === "reply" && event.probe.hopLimit <= responders.length) replies.push(event);
    if (event.type === "stopped") outcome = event.outcome;
  }
  for (const event of replies) {
    // What could go farther meets the target all the same.
    assert.deepEqual([event.reply.from.text], responders[event.probe.hopLimit - 1] ?? responders.at(-1));
  }
  const onPath = replies.filter(({ probe: { hopLimit } }) => hopLimit <= responders.length);
  const hops = [...new Set(onPath.map((event) => event.probe.hopLimit))].sort();
  const ports = new Set(
    network.sent.map(({ packet }) =>
      packet
        .slice(family === 4 ? 20 : 40)
        .slice(0, 2)
        .join("."),
    ),
  );
  return { hops, outcome, modes, ports: ports.size, count: onPath.length };
}

describe("the example plugins, where routers quote 8 octets of the probe", () => {
  for (const plugin of [dns, ntp, quic, tcpAck]) {
    it(`${plugin.name} knows all of its probes with privilege, in one flow`, async () => {
      for (const family of FAMILIES) {
        const topology = served(minimalQuotes(family), SERVED[plugin.name]);
        const { hops, outcome, ports, count } = await traced(plugin, topology, family, {});
        assert.deepEqual([hops, outcome, ports, count], [[1, 2, 3, 4, 5], "reached", 1, 15]);
      }
    });
  }

  for (const [plugin, host] of [
    [dns, UNPRIVILEGED],
    [ntp, UNPRIVILEGED],
    [quic, UNPRIVILEGED],
    [sctp, {}],
  ] as const) {
    it(`${plugin.name} gives each probe a port of its own where nothing else tells them apart`, async () => {
      for (const family of FAMILIES) {
        const topology = served(minimalQuotes(family), SERVED[plugin.name]);
        const { hops, outcome, ports } = await traced(plugin, topology, family, host);
        assert.deepEqual([hops, outcome], [[1, 2, 3, 4, 5], "reached"]);
        assert.ok(ports > 1);
      }
    });
  }
});

/** What a plugin reads out of all that comes back when the target, on which `service` runs, is asked once. */
async function asked(plugin: ProtocolPlugin, more: Partial<Target>, options: Record<string, string> = {}) {
  const topology = served(plain(3), more);
  using network = createSimNetwork(topology);
  using session = plugin.open(network, endpointOf(topology, 4, plugin.defaultPort ?? 0), {
    plugin: { qname: "example.com", ...options },
  });
  session.send(probe({ sequence: 4711, hopLimit: 30 }));
  const replies: Reply[] = [];
  for (let arrival = await network.receive(1000); arrival !== undefined; arrival = await network.receive(1000)) {
    const reply = session.match(arrival);
    if (reply !== undefined) replies.push(reply);
  }
  assert.ok(replies.every(({ sequence, effect }) => sequence === 4711 && effect === "reached"));
  return replies.map(({ mark }) => mark);
}

/** A service whose answers have octets changed on their way. */
function spoilt(service: Service, changes: Readonly<Record<number, number>>): Service {
  return (payload) => {
    const answer = service(payload);
    for (const [at, value] of Object.entries(changes)) if (answer !== undefined) answer[Number(at)] = value;
    return answer;
  };
}

describe("dns", () => {
  it("takes every response code for an answer of the target, and says which", async () => {
    const seen = await Promise.all([0, 1, 2, 3, 4, 5, 9].map((rcode) => asked(dns, { udp: nameServer(rcode) })));
    assert.deepEqual(seen.flat(), ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "RCODE9"]);
  });

  it("takes an answer without the question, and one that changed the letters' case", async () => {
    const bare: Service = (query) => nameServer(5)(query)?.slice(0, 12).fill(0, 4);
    assert.deepEqual(await asked(dns, { udp: bare }), ["REFUSED"]);
    assert.deepEqual(await asked(dns, { udp: spoilt(nameServer(0), { 13: 0x45 }) }), ["NOERROR"]);
  });

  it("takes no query, other opcode or other question for its answer", async () => {
    for (const changes of [{ 2: 0x01 }, { 2: 0xa9 }, { 13: 0x66 }, { 5: 2 }]) {
      assert.deepEqual(await asked(dns, { udp: spoilt(nameServer(0), changes) }), []);
    }
  });

  it("asks for the name that its option says", async () => {
    let name = "";
    const service: Service = (query) => {
      name = String.fromCharCode(...query.subarray(12, -4));
      return undefined;
    };
    await asked(dns, { udp: service }, { qname: "www.example.net." });
    assert.equal(name, "\x03www\x07example\x03net\0");
    await asked(dns, { udp: service }, { qname: "." });
    assert.equal(name, "\0");
  });

  it("refuses to ask for what is no domain name", async () => {
    for (const qname of ["", "a..b", "ä.example", "a b.example", `${"x".repeat(64)}.example`, "x.".repeat(128)]) {
      await assert.rejects(asked(dns, {}, { qname }), UsageError, qname);
    }
  });
});

describe("ntp", () => {
  it("tells the stratum, a clock that is not synchronised, and a kiss of death", async () => {
    const server = timeServer(2);
    assert.deepEqual(await asked(ntp, { udp: server }), ["stratum-2"]);
    assert.deepEqual(await asked(ntp, { udp: spoilt(server, { 0: 0xe4 }) }), ["unsynchronised"]);
    assert.deepEqual(await asked(ntp, { udp: timeServer(0) }), ["unsynchronised"]);
    assert.deepEqual(await asked(ntp, { udp: timeServer(16) }), ["unsynchronised"]);
    const rate = { 12: 0x52, 13: 0x41, 14: 0x54, 15: 0x45 };
    assert.deepEqual(await asked(ntp, { udp: spoilt(timeServer(0), rate) }), ["kiss-RATE"]);
  });

  it("takes no other mode or origin for its answer", async () => {
    for (const changes of [{ 0: 0x23 }, { 0: 0x25 }]) {
      assert.deepEqual(await asked(ntp, { udp: spoilt(timeServer(2), changes) }), []);
    }
    const elsewhere: Service = (request) => timeServer(2)(request)?.fill(0, 24, 30);
    assert.deepEqual(await asked(ntp, { udp: elsewhere }), []);
  });
});

describe("quic", () => {
  it("names the versions that the server offers, reserved ones apart", async () => {
    const versions = [0x3a4a5a6a, 1, 0x6b3343cf, 0xff00001d, 0x51303433];
    assert.deepEqual(await asked(quic, { udp: quicServer(versions) }), ["v1,v2,draft-29"]);
    assert.deepEqual(await asked(quic, { udp: quicServer([0x51303433]) }), ["0x51303433"]);
    assert.deepEqual(await asked(quic, { udp: quicServer([0x3a4a5a6a]) }), ["no-version"]);
  });

  it("takes no other version, connection ids or length for its answer", async () => {
    const server = quicServer([1]);
    for (const changes of [{ 0: 0x7f }, { 4: 1 }, { 5: 7 }, { 14: 9 }]) {
      assert.deepEqual(await asked(quic, { udp: spoilt(server, changes) }), []);
    }
    for (const at of [6, 15]) {
      const elsewhere: Service = (packet) => server(packet)?.fill(0, at, at + 6);
      assert.deepEqual(await asked(quic, { udp: elsewhere }), []);
    }
    assert.deepEqual(await asked(quic, { udp: (packet) => server(packet)?.slice(0, -1) }), []);
    assert.deepEqual(await asked(quic, { udp: (packet) => server(packet)?.slice(0, -4) }), []);
  });
});

describe("sctp", () => {
  it("takes a protocol that is unreachable at the target for reached, and says nothing of the port", async () => {
    assert.deepEqual(await asked(sctp, {}), [undefined]);
  });

  it("takes the answer of a host that sends it from another of its addresses", async () => {
    const elsewhere = { answersFrom: { v4: "198.51.100.77" }, otherProtocols: sctpServer(2) };
    assert.deepEqual(await asked(sctp, elsewhere), ["open"]);
  });

  it("takes no other tag, port or chunk for its answer", async () => {
    for (const changes of [{ 0: 0xee }, { 2: 0 }, { 12: 3 }]) {
      assert.deepEqual(await asked(sctp, { otherProtocols: spoilt(sctpServer(2), changes) }), []);
    }
    const elsewhere: Service = (packet) => sctpServer(2)(packet)?.fill(0, 4, 6);
    assert.deepEqual(await asked(sctp, { otherProtocols: elsewhere }), []);
  });
});
