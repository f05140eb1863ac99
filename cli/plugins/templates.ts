/** What `nettrace plugin new` writes. A test runs all of it. */

const KINDS = ["raw", "udp", "tcp"] as const;

export type PluginKind = (typeof KINDS)[number];

export function isPluginKind(text: string): text is PluginKind {
  return KINDS.some((kind) => kind === text);
}

export function pluginTemplate(name: string, kind: PluginKind): string {
  return (PLUGINS[kind] + SERVICES[kind]).replaceAll("NAME", name);
}

export function testTemplate(name: string, kind: PluginKind): string {
  const { target, mark } = TARGETS[kind];
  const hasService = SERVICES[kind] !== "";
  return TEST.replaceAll("NAME", name)
    .replace("/* IMPORT */", `import plugin${hasService ? ", { service }" : ""} from "./${name}.ts";`)
    .replace("/* SUBJECT */", `plugin${hasService ? ", { service }" : ""}`)
    .replace("/* TARGET */", target)
    .replaceAll("/* MARK */", mark);
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

/** What the target answers in tests; TCP is answered by the simulated kernel. */
const SERVICES: Readonly<Record<PluginKind, string>> = {
  udp: `
/** What a target answers to \`nettrace plugin check\` and to the test: it repeats what it is told. */
export function service(request: Uint8Array): Uint8Array {
  return request;
}
`,
  raw: `
/** What a target that speaks the protocol answers to \`nettrace plugin check\` and to the test. */
export function service(request: Uint8Array): Uint8Array {
  const answer = request.slice();
  answer[0] = ANSWER;
  return answer;
}
`,
  tcp: "",
};

const TEST = `import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { trace } from "nettrace";
import { conformance, createSimNetwork, topologies } from "nettrace/testing";
/* IMPORT */

describe("NAME", () => {
  // What every plugin must do, on a simulated network: as \`nettrace plugin check ./NAME.ts\` asks it.
  for (const { title, skip, run } of conformance(/* SUBJECT */)) it(title, { skip }, run);

  it("reaches a target over three hops, whose mark is /* MARK */", async () => {
    const topology = topologies.plain(3);
    const target = { ...topology.target/* TARGET */ };
    using network = createSimNetwork({ ...topology, target });
    const seen = new Map<number, string | undefined>();
    let outcome: string | undefined;
    const to = topologies.endpointOf(topology, 4, plugin.defaultPort ?? 0);
    for await (const event of trace(network, { plugin, target: to })) {
      if (event.type === "reply") seen.set(event.probe.hopLimit, event.reply.mark);
      if (event.type === "stopped") outcome = event.outcome;
    }
    assert.equal(outcome, "reached");
    assert.deepEqual([seen.get(1), seen.get(2), seen.get(3)], [undefined, undefined, "/* MARK */"]);
  });
});
`;

const TARGETS: Readonly<Record<PluginKind, { readonly target: string; readonly mark: string }>> = {
  udp: { target: ", udp: service", mark: "answers" },
  raw: { target: ", otherProtocols: service", mark: "answers" },
  tcp: { target: "", mark: "open" },
};
