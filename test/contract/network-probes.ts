import assert from "node:assert/strict";
import type { Arrival, ErrorArrival, Network, ProbeSocket } from "../../core/network.ts";
import { encodeEcho, encodeTcp, parseIcmp, parseQuote, parseTcp, TCP_FLAG } from "../../core/wire/mod.ts";
import { assertResponder, awaitArrival, type NetworkBench, type NetworkTester } from "./bench.ts";

/** Registers the tests of what comes back of packets sent. */
export function probeTests(test: NetworkTester): void {
  udpTests(test);
  dialTests(test);
  pingTests(test);
  rawTests(test);
}

const errorOn = (socket: ProbeSocket) => (arrival: Arrival) =>
  arrival.kind === "error" && arrival.socket === socket ? arrival : undefined;

function assertTransit(bench: NetworkBench, hopLimit: number, { offender, icmp, local }: ErrorArrival): void {
  assertResponder(bench, hopLimit, offender);
  assert.deepEqual(icmp, { type: bench.target.family === 4 ? 11 : 3, code: 0 });
  assert.equal(local, false);
}

/** Stamps count from the same origin as `nowMs`: a wrong origin is off by far more than any test takes. */
function assertSameClock(network: Network, { atMs }: Arrival): void {
  assert.ok(Math.abs(atMs - network.nowMs()) < 60_000, `${atMs} is no time of this network's clock`);
}

function udpTests(test: NetworkTester): void {
  test(
    "sends UDP with the hop limit given, and brings the router's error with what it quotes",
    async (bench) => {
      const { network, target: address, closedUdpPort: port, responders } = bench;
      using socket = network.open({ type: "udp" }, address.family);
      const bytes = new Uint8Array(32);
      for (let hopLimit = 1; hopLimit < responders.length; hopLimit++) {
        bytes.fill(hopLimit);
        socket.send(bytes, { address, port }, hopLimit, hopLimit);
        // The caller may use the bytes again at once: what was sent is what they were.
        bytes.fill(0xee);
        const error = await awaitArrival(network, errorOn(socket));
        assertTransit(bench, hopLimit, error);
        assert.equal(error.toPort, port);
        assert.deepEqual(Array.from(error.quoted), new Array(32).fill(hopLimit));
        assertSameClock(network, error);
      }
    },
    "errors",
  );

  test(
    "brings the target's port unreachable",
    async (bench) => {
      const { network, target: address, closedUdpPort: port } = bench;
      using socket = network.open({ type: "udp" }, address.family);
      socket.send(Uint8Array.of(1, 2, 3), { address, port }, 64, 1);
      const { offender, icmp, local, retransmitted } = await awaitArrival(network, errorOn(socket));
      assert.equal(offender.text, address.text);
      assert.deepEqual(icmp, address.family === 4 ? { type: 3, code: 3 } : { type: 1, code: 4 });
      assert.deepEqual({ local, retransmitted }, { local: false, retransmitted: false });
    },
    "errors",
  );

  test(
    "stamps each packet's departure with its tag",
    async ({ network, target: address, closedUdpPort: port }) => {
      using socket = network.open({ type: "udp" }, address.family);
      const tags = [7, 0, 65_535];
      for (const tag of tags) socket.send(Uint8Array.of(1), { address, port }, 64, tag);
      const seen: number[] = [];
      await awaitArrival(network, (arrival) => {
        if (arrival.kind !== "departure") return undefined;
        assert.equal(arrival.socket, socket);
        assertSameClock(network, arrival);
        seen.push(arrival.tag);
        return seen.length === tags.length ? true : undefined;
      });
      assert.deepEqual(seen.toSorted(), tags.toSorted());
    },
    "departures",
  );
}

function dialTests(test: NetworkTester): void {
  test(
    "dials with the hop limit given, and brings the router's error",
    async (bench) => {
      const { network, target: address, openPort: port, responders } = bench;
      for (let hopLimit = 1; hopLimit < responders.length; hopLimit++) {
        using socket = network.dial({ address, port }, hopLimit, 0);
        const error = await awaitArrival(network, errorOn(socket));
        assertTransit(bench, hopLimit, error);
        assert.equal(error.quoted.length, 0);
        assert.equal(error.retransmitted, false);
      }
    },
    "dial",
  );

  test(
    "tells an open port from a closed one, with a hop limit and without",
    async ({ network, target: address, openPort, closedPort }) => {
      for (const [port, expected, hopLimit] of [
        [openPort, "open", 64],
        [closedPort, "closed", 64],
        [openPort, "open", undefined],
        [closedPort, "closed", undefined],
      ] as const) {
        using socket = network.dial({ address, port }, hopLimit, 0);
        const { state, from, local, retransmitted } = await awaitArrival(network, (arrival) =>
          arrival.kind === "handshake" && arrival.socket === socket ? arrival : undefined,
        );
        assert.equal(from.text, address.text);
        assert.deepEqual({ state, local, retransmitted }, { state: expected, local: false, retransmitted: false });
      }
    },
    "dial",
  );

  test("counts the host's failed retransmissions, or says that it cannot", ({ network }) => {
    const count = network.retransmitFailures();
    assert.ok(count === undefined || (Number.isInteger(count) && count >= 0));
  });
}

const PAYLOAD = Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2);

/** An echo request as a program hands it to a socket; over IPv6 the checksum is the kernel's. */
function echoRequest({ network, target }: NetworkBench, identifier: number, sequence: number): Uint8Array {
  const source = network.route(target).source.bytes;
  const ends = { source, destination: target.bytes };
  return encodeEcho({ version: target.family, request: true, identifier, sequence, payload: PAYLOAD, ...ends });
}

function pingTests(test: NetworkTester): void {
  test(
    "sends echo requests on ping sockets under an identifier of its own",
    async (bench) => {
      const { network, target: address } = bench;
      using socket = network.open({ type: "ping" }, address.family);
      socket.send(echoRequest(bench, 1, 77), { address, port: 0 }, 64, 1);
      const bytes = await awaitArrival(network, (arrival) =>
        arrival.kind === "packet" && arrival.socket === socket ? Uint8Array.from(arrival.bytes) : undefined,
      );
      const reply = parseIcmp(bytes);
      assert.equal(reply?.type, address.family === 4 ? 0 : 129);
      assert.deepEqual([reply?.identifier, reply?.sequence], [socket.localPort, 77]);
      assert.deepEqual(Array.from(reply?.body ?? []), Array.from(PAYLOAD));
    },
    "ping",
  );

  test(
    "brings routers' errors to ping sockets, quoting from the ICMP header on",
    async (bench) => {
      const { network, target: address, responders } = bench;
      using socket = network.open({ type: "ping" }, address.family);
      for (let hopLimit = 1; hopLimit < responders.length; hopLimit++) {
        socket.send(echoRequest(bench, 1, hopLimit), { address, port: 0 }, hopLimit, 1);
        const error = await awaitArrival(network, errorOn(socket));
        assertTransit(bench, hopLimit, error);
        const quoted = parseIcmp(error.quoted);
        assert.equal(quoted?.type, address.family === 4 ? 8 : 128);
        assert.deepEqual([quoted?.identifier, quoted?.sequence], [socket.localPort, hopLimit]);
      }
    },
    "ping",
  );
}

function rawTests(test: NetworkTester): void {
  test(
    "sends raw ICMP with the hop limit given, and brings errors and replies from the ICMP header on",
    async (bench) => {
      const { network, target: address, responders } = bench;
      const { family } = address;
      const protocol = family === 4 ? 1 : 58;
      using socket = network.open({ type: "raw", protocol }, family);
      for (let hopLimit = 1; hopLimit <= responders.length; hopLimit++) {
        socket.send(echoRequest(bench, 4711, hopLimit), { address, port: 0 }, hopLimit, 1);
        const isTarget = hopLimit === responders.length;
        const from = await awaitArrival(network, (arrival) => {
          if (arrival.kind !== "packet" || arrival.socket !== socket || arrival.protocol !== protocol) return undefined;
          const message = parseIcmp(arrival.bytes);
          const quote = isTarget ? undefined : parseQuote(arrival.bytes, family);
          const echo = quote === undefined ? message : parseIcmp(quote.packet.payload);
          const isReply = message?.type === (family === 4 ? 0 : 129);
          // A packet tap shows answers to earlier probes once more.
          const isAnswer = isReply === isTarget && echo?.identifier === 4711 && echo.sequence === hopLimit;
          return isAnswer ? arrival.from : undefined;
        });
        assertResponder(bench, hopLimit, from);
      }
    },
    "raw",
  );

  test(
    "lets through to a raw TCP socket what comes from the remote port to the local one, and nothing else",
    async ({ network, target: address, openPort, closedPort }) => {
      const { family } = address;
      using reserved = network.open({ type: "tcp-port" }, family);
      const ports = { local: reserved.localPort, remote: openPort };
      using socket = network.open({ type: "raw", protocol: 6, ports }, family);
      const ends = { source: network.route(address).source.bytes, destination: address.bytes };
      const sourcePort = reserved.localPort;
      for (const destinationPort of [closedPort, openPort]) {
        const syn = encodeTcp({ ...ends, sourcePort, destinationPort, sequence: 1000, flags: TCP_FLAG.syn });
        socket.send(syn, { address, port: 0 }, 64, 1);
      }
      const bytes = await awaitArrival(network, (arrival) =>
        arrival.kind === "packet" && arrival.socket === socket ? Uint8Array.from(arrival.bytes) : undefined,
      );
      const segment = parseTcp(bytes);
      assert.deepEqual([segment?.sourcePort, segment?.destinationPort], [openPort, sourcePort]);
      assert.equal(segment?.acknowledgement, 1001);
      assert.equal(segment?.flags, TCP_FLAG.syn | TCP_FLAG.ack);
    },
    "rawTcp",
  );
}
