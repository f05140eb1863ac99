/** What `nettrace plugin new` writes. A test runs all of it. */

const KINDS = ["raw", "udp", "tcp"] as const;

export type PluginKind = (typeof KINDS)[number];

export function isPluginKind(text: string): text is PluginKind {
  return KINDS.some((kind) => kind === text);
}

export function pluginTemplate(name: string, kind: PluginKind): string {
  return PLUGINS[kind].replaceAll("NAME", name);
}

export function testTemplate(name: string, kind: PluginKind): string {
  return TEST.replaceAll("NAME", name)
    .replace("/* ANSWERS */", ANSWERS[kind])
    .replace("/* IMPORTS */", kind === "raw" ? "trace, wire" : "trace");
}

const UDP = `import { type Arrival, definePlugin, type ProbeSocket, readErrorArrival, type Reply } from "nettrace";

/** In front of each payload: four octets that nobody can guess, and the sequence. */
const TOKEN = 4;
const HEADER = TOKEN + 2;

export default definePlugin({
  name: "NAME",
  summary: "a text over UDP; any answer of the target's counts",
  api: "^1.0",
  defaultPort: 7,
  options: [{ name: "text", description: "what each probe says", type: "string", default: "hello" }],
  modes: [{ name: "error-queue", needs: "none" }],
  open(network, target, options) {
    const { family } = target.address;
    network.route(target.address);
    const text = new TextEncoder().encode(options.plugin.text);
    const payload = new Uint8Array(HEADER + text.length);
    crypto.getRandomValues(payload.subarray(0, TOKEN));
    payload.set(text, HEADER);

    // Balancers hash the ports: each flow has a socket of its own, and its probes share its port.
    const sockets = new Map<number, ProbeSocket>();
    const socketOf = (flow: number): ProbeSocket => {
      const localPort = flow === 0 ? (options.sourcePort ?? 0) : 0;
      const socket = sockets.get(flow) ?? network.open({ type: "udp", localPort }, family);
      sockets.set(flow, socket);
      return socket;
    };
    socketOf(0);

    const sequenceOf = (bytes: Uint8Array): number | undefined => {
      const isOurs = bytes.length >= HEADER && payload.subarray(0, TOKEN).every((octet, at) => octet === bytes[at]);
      return isOurs ? ((bytes[TOKEN] ?? 0) << 8) | (bytes[TOKEN + 1] ?? 0) : undefined;
    };

    return {
      mode: "error-queue",
      send(probe) {
        payload[TOKEN] = probe.sequence >> 8;
        payload[TOKEN + 1] = probe.sequence & 0xff;
        socketOf(probe.flow).send(payload, target, probe.hopLimit, probe.sequence);
      },
      match(arrival: Arrival): Reply | undefined {
        if (arrival.kind === "error") {
          // A router or the target says by ICMP what became of the probe that it quotes.
          const reply = readErrorArrival(arrival, target.address);
          const sequence = sequenceOf(arrival.quoted);
          return reply === undefined || sequence === undefined ? undefined : { sequence, ...reply };
        }
        if (arrival.kind !== "packet" || arrival.fromPort !== target.port) return undefined;
        const sequence = sequenceOf(arrival.bytes);
        if (sequence === undefined || arrival.from.text !== target.address.text) return undefined;
        return { sequence, from: arrival.from, effect: "reached", mark: "answers" };
      },
      [Symbol.dispose]() {
        for (const socket of sockets.values()) socket[Symbol.dispose]();
      },
    };
  },
});
`;

const RAW = `import { type Arrival, definePlugin, icmpProtocol, type ProbeSession, readQuotedError, type Reply } from "nettrace";

/** For experiments and testing (RFC 3692); the number of your protocol goes here. */
const PROTOCOL = 253;
/**
 * The first eight octets, which every router quotes: what it is, five that nobody can guess, and the sequence. A raw socket
 * on the target's own host receives our requests too: an answer must differ from them.
 */
const [REQUEST, ANSWER] = [1, 2];
const SEQUENCE_AT = 6;
const PAYLOAD = 8;

export default definePlugin({
  name: "NAME",
  summary: "IP protocol 253; a target that lacks it says so",
  api: "^1.0",
  modes: [{ name: "raw", needs: "raw" }],
  open(network, target): ProbeSession {
    const { family } = target.address;
    const { source } = network.route(target.address);
    // What routers say comes on a raw ICMP socket, what the target itself answers on the protocol's own.
    const icmp = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    const socket = network.open({ type: "raw", protocol: PROTOCOL }, family);
    const payload = crypto.getRandomValues(new Uint8Array(PAYLOAD));
    payload[0] = REQUEST;

    const sequenceOf = (bytes: Uint8Array, kind: number): number | undefined => {
      if (bytes.length < PAYLOAD || bytes[0] !== kind) return undefined;
      const isOurs = payload.subarray(1, SEQUENCE_AT).every((octet, at) => octet === bytes[1 + at]);
      return isOurs ? ((bytes[SEQUENCE_AT] ?? 0) << 8) | (bytes[SEQUENCE_AT + 1] ?? 0) : undefined;
    };

    return {
      mode: "raw",
      send(probe) {
        payload[SEQUENCE_AT] = probe.sequence >> 8;
        payload[SEQUENCE_AT + 1] = probe.sequence & 0xff;
        socket.send(payload, target, probe.hopLimit, probe.sequence);
      },
      match(arrival: Arrival): Reply | undefined {
        if (arrival.kind !== "packet") return undefined;
        if (arrival.socket === icmp) {
          const error = readQuotedError(arrival, target, source);
          if (error === undefined || error.packet.protocol !== PROTOCOL) return undefined;
          const sequence = sequenceOf(error.packet.payload, REQUEST);
          return sequence === undefined ? undefined : { sequence, ...error.reply };
        }
        const sequence = sequenceOf(arrival.bytes, ANSWER);
        if (sequence === undefined || arrival.from.text !== target.address.text) return undefined;
        return { sequence, from: arrival.from, effect: "reached", mark: "answers" };
      },
      [Symbol.dispose]() {
        icmp[Symbol.dispose]();
        socket[Symbol.dispose]();
      },
    };
  },
});
`;

const TCP = `import { type Arrival, definePlugin, type ProbeSocket, readErrorArrival, type Reply, SocketError } from "nettrace";

/** Sockets under way at once. */
const MAX_SOCKETS = 64;
/** The kernel repeats a SYN after a second (RFC 6298 §2.1): the time just before and just after, milliseconds. */
const REPEAT_MS = [900, 1150];
/** SYNs sent up to here, after the first one, are due to be repeated in between. */
const FIRST_MS = 100;

interface Dial {
  readonly sequence: number;
  readonly flow: number;
  readonly atMs: number;
}

export default definePlugin({
  name: "NAME",
  summary: "the kernel's own TCP handshake with small hop limits",
  api: "^1.0",
  defaultPort: 443,
  modes: [{ name: "connect", needs: "none" }],
  open(network, target, options) {
    network.route(target.address);
    // Flow 0 keeps to one local port: balancers hash it.
    const port = network.open({ type: "tcp-port", localPort: options.sourcePort ?? 0 }, target.address.family);
    const dials = new Map<ProbeSocket, Dial>();
    let isClosed = false;
    let firstMs: number | undefined;
    let failuresBefore: number | undefined;

    const close = (socket: ProbeSocket): void => {
      dials.delete(socket);
      socket[Symbol.dispose]();
    };

    return {
      mode: "connect",
      // A local port can talk to a target by one socket only.
      probesPerFlow: 1,
      send({ sequence, flow, hopLimit }) {
        if (isClosed) throw new Error("Cannot send: the session is closed");
        for (const [socket, dial] of dials) if (dial.flow === flow || dials.size >= MAX_SOCKETS) close(socket);
        const localPort = flow === 0 ? port.localPort : 0;
        const atMs = network.nowMs();
        dials.set(network.dial(target, hopLimit, localPort, sequence), { sequence, flow, atMs });
        firstMs ??= atMs;
      },
      hiddenRefusalAtMs: REPEAT_MS,
      // A SYN that a rule of this host drops leaves no errno. The kernel counts those that it could not repeat.
      hiddenRefusal() {
        const failures = network.retransmitFailures();
        if (failures === undefined || failuresBefore === undefined || firstMs === undefined) {
          failuresBefore = failures;
          return undefined;
        }
        const untilMs = firstMs + FIRST_MS;
        const due = [...dials.values()].filter(({ atMs }) => atMs <= untilMs).length;
        if (due === 0 || failures - failuresBefore < due) return undefined;
        const evidence = \`the kernel could not repeat the first \${due} SYNs\`;
        return new SocketError("connect", null, "get a SYN out of this host", evidence);
      },
      match(arrival: Arrival): Reply | undefined {
        const dial = dials.get(arrival.socket);
        if (dial === undefined || (arrival.kind !== "handshake" && arrival.kind !== "error")) return undefined;
        const { sequence } = dial;
        if (arrival.kind === "handshake") {
          close(arrival.socket);
          return { sequence, from: arrival.from, effect: "reached", mark: arrival.state };
        }
        const reply = readErrorArrival(arrival, target.address);
        if (reply === undefined) return undefined;
        // Closed at once, the kernel does not repeat the SYN.
        close(arrival.socket);
        return { sequence, ...reply };
      },
      [Symbol.dispose]() {
        isClosed = true;
        for (const socket of dials.keys()) close(socket);
        port[Symbol.dispose]();
      },
    };
  },
});
`;

const PLUGINS: Readonly<Record<PluginKind, string>> = { udp: UDP, raw: RAW, tcp: TCP };

const TEST = `import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Arrival, type Network, parseAddress, type ProbeSocket, /* IMPORTS */ } from "nettrace";
import plugin from "./NAME.ts";

const [here, router, target] = ["192.0.2.1", "192.0.2.254", "198.51.100.10"].map((text) => {
  const address = parseAddress(text);
  assert.ok(address);
  return address;
}) as [Address, Address, Address];
type Address = NonNullable<ReturnType<typeof parseAddress>>;

const TIME_EXCEEDED = { type: 11, code: 0 };

/** Two hops on a clock of their own: a router, and behind it the target. */
function createNetwork(): Network {
  let nowMs = 0;
  const arrivals: Arrival[] = [];
  const sockets: ProbeSocket[] = [];

  const answer = (socket: ProbeSocket, bytes: Uint8Array, hopLimit: number, port: number): Arrival => {
    const from = hopLimit === 1 ? router : target;
/* ANSWERS */
  };

  const open = (type: ProbeSocket["type"]): ProbeSocket => {
    const socket: ProbeSocket = {
      type,
      localPort: 50_000,
      send: (bytes, to, hopLimit) => void arrivals.push(answer(socket, bytes.slice(), hopLimit, to.port)),
      [Symbol.dispose]() {},
    };
    sockets.push(socket);
    return socket;
  };

  return {
    nowMs: () => nowMs,
    route: () => ({ source: here }),
    open: (spec) => open(spec.type),
    dial(to, hopLimit) {
      const socket = open("tcp-connect");
      socket.send(new Uint8Array(0), to, hopLimit, 0);
      return socket;
    },
    async receive(untilMs) {
      nowMs += 1;
      const arrival = arrivals.shift();
      if (arrival === undefined && Number.isFinite(untilMs)) nowMs = Math.max(nowMs, untilMs);
      return arrival;
    },
    retransmitFailures: () => undefined,
    [Symbol.dispose]() {},
  };
}

describe("NAME", () => {
  it("sees a router and then the target", async () => {
    using network = createNetwork();
    const seen = new Map<number, string>();
    let outcome: string | undefined;
    for await (const event of trace(network, { plugin, target: { address: target, port: 0 } })) {
      if (event.type === "reply") seen.set(event.probe.hopLimit, \`\${event.reply.from.text} \${event.reply.effect}\`);
      if (event.type === "stopped") outcome = event.outcome;
    }
    assert.equal(outcome, "reached");
    assert.equal(seen.get(1), \`\${router.text} transit\`);
    assert.equal(seen.get(2), \`\${target.text} reached\`);
  });
});
`;

const ERROR = `{
      kind: "error", socket, atMs: nowMs, offender: from, icmp: TIME_EXCEEDED, toPort: port, quoted: bytes,
      extensions: new Uint8Array(0), local: false, retransmitted: false,
    }`;

const ANSWERS: Readonly<Record<PluginKind, string>> = {
  udp: `    // Here the target repeats what it is told.
    const packet = { kind: "packet", socket, atMs: nowMs, from, fromPort: port, protocol: 17, bytes } as const;
    if (hopLimit > 1) return { ...packet, tapped: false };
    return ${ERROR};`,
  raw: `    const isRouter = hopLimit === 1;
    const original = wire.encodeIp({
      source: here.bytes, destination: target.bytes, protocol: 253, hopLimit: 1, payload: bytes,
    });
    // The target says that it lacks the protocol.
    const error = isRouter ? TIME_EXCEEDED : { type: 3, code: 2 };
    const message = wire.encodeIcmpError({ version: 4, ...error, original });
    const icmp = sockets[0] ?? socket;
    return {
      kind: "packet", socket: icmp, atMs: nowMs, from, fromPort: port, protocol: 1, bytes: message, tapped: false,
    };`,
  tcp: `    if (hopLimit > 1) return { kind: "handshake", socket, atMs: nowMs, state: "open", from, local: false, retransmitted: false };
    return ${ERROR};`,
};
