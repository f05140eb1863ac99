import {
  type Arrival,
  icmpProtocol,
  type Network,
  type Probe,
  type ProbeSession,
  type ProtocolPlugin,
  type Reply,
  SocketError,
  wire,
} from "nettrace";
import { icmp } from "../../plugins/icmp.ts";
import { udp } from "../../plugins/udp.ts";

/** A plugin with one thing changed: what is changed gets the session as it was. */
type Change = (session: ProbeSession, network: Network) => object;

function changed(base: ProtocolPlugin, change: Change): ProtocolPlugin {
  return {
    ...base,
    name: "faulty",
    open(network, target, options) {
      const session = base.open(network, target, options);
      const whole = {
        mode: session.mode,
        send: session.send.bind(session),
        match: session.match.bind(session),
        [Symbol.dispose]: () => session[Symbol.dispose](),
      };
      return Object.assign(whole, change(session, network));
    },
  };
}

export const ofUdp = (change: Change): ProtocolPlugin => changed(udp, change);
export const fail = (): never => {
  throw new TypeError("boom");
};

/** udp whose replies have something else in them. */
export const saying = (say: (reply: Reply, arrival: Arrival) => object | undefined): ProtocolPlugin =>
  ofUdp((session) => ({
    match(arrival: Arrival) {
      const reply = session.match(arrival);
      const said = reply && say(reply, arrival);
      return reply && said && { ...reply, ...said };
    },
  }));

/** udp whose probes are others than those asked for. */
export const asking = (ask: (probe: Probe) => Partial<Probe>): ProtocolPlugin =>
  ofUdp((session) => ({ send: (probe: Probe) => session.send({ ...probe, ...ask(probe) }) }));

/** udp that takes the first answer for that to the first probe, the second for that to the second… */
export const inOrder = ofUdp((session) => {
  const open: number[] = [];
  return {
    send(probe: Probe) {
      session.send(probe);
      open.push(probe.sequence);
    },
    match(arrival: Arrival) {
      const reply = session.match(arrival);
      const sequence = reply && open.shift();
      return reply && sequence !== undefined ? { ...reply, sequence } : undefined;
    },
  };
});

/** udp that takes a quote of another source than the first one's for that of the latest probe. */
export const guessing = ofUdp((session) => {
  let latest = 0;
  let own: string | undefined;
  return {
    send(probe: Probe) {
      session.send(probe);
      latest = probe.sequence;
    },
    match(arrival: Arrival) {
      const reply = session.match(arrival);
      if (arrival.kind !== "packet") return reply;
      const quote = wire.parseQuote(arrival.bytes, arrival.from.family);
      if (quote === undefined) return reply;
      const source = quote.packet.source.join();
      own ??= source;
      return source === own ? reply : { sequence: latest, from: arrival.from, effect: "transit" };
    },
  };
});

/** ICMP echo that looks at the sequence and at nothing else. */
export const careless: ProtocolPlugin = {
  ...icmp,
  name: "careless",
  open(network, target) {
    const { family } = target.address;
    const { source } = network.route(target.address);
    const socket = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    return {
      mode: "raw",
      send({ sequence, hopLimit }) {
        const ends = { source: source.bytes, destination: target.address.bytes };
        const payload = new Uint8Array(8);
        const packet = wire.encodeEcho({ version: family, request: true, identifier: 1, sequence, payload, ...ends });
        socket.send(packet, target, hopLimit, sequence);
      },
      match(arrival) {
        if (arrival.kind !== "packet") return undefined;
        const { from, bytes } = arrival;
        const isAnswer = bytes[0] === (family === 4 ? 0 : 129);
        const at = isAnswer ? 6 : 8 + (family === 4 ? 20 : 40) + 6;
        const sequence = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
        return { sequence, from, effect: isAnswer ? "reached" : "transit" };
      },
      [Symbol.dispose]: () => socket[Symbol.dispose](),
    };
  },
};

/** udp that catches what it must let pass. */
export const swallowing = ofUdp((session) => ({
  send(probe: Probe) {
    try {
      session.send(probe);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
  },
}));

/** udp that opens nowhere, and does not say so. */
export const deaf: ProtocolPlugin = {
  ...udp,
  open: () => ({ mode: "error-queue", send: () => {}, match: () => undefined, [Symbol.dispose]: () => {} }),
};
