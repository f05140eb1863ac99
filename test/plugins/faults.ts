import { type Arrival, type Probe, type ProtocolPlugin, SocketError } from "nettrace";
import { icmp } from "../../plugins/icmp.ts";
import { udp } from "../../plugins/udp.ts";
import { asking, careless, deaf, fail, guessing, inOrder, ofUdp, saying, swallowing } from "./faulty-plugins.ts";

export interface Fault {
  readonly plugin: ProtocolPlugin;
  /** How the name of a case begins that finds it. */
  readonly found: string;
  readonly reason: RegExp;
}

/** For every case, at least one plugin that it finds out. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "states other modes": {
    plugin: ofUdp(() => ({ mode: "magic" })),
    found: "opens in",
    reason: /^its mode is "magic"; those/,
  },
  "does not open though a mode of its needs nothing": {
    plugin: { ...udp, modes: [{ name: "raw", needs: "none" }], open: icmp.open },
    found: "opens in",
    reason: /^open threw \(.*EPERM|EACCES.*\), though its mode "raw" needs no more here$/,
  },
  "sends as it opens": {
    plugin: ofUdp((session) => {
      session.send({ sequence: 9, hopLimit: 1, flow: 0, round: 0 });
      return {};
    }),
    found: "sends nothing",
    reason: /^(something came back|open sent)/,
  },
  "throws in send": {
    plugin: ofUdp(() => ({ send: fail })),
    found: "sees each hop",
    reason: /^it failed in send: boom$/,
  },
  "throws in match": {
    plugin: ofUdp(() => ({ match: fail })),
    found: "sees each hop",
    reason: /^it failed in match: boom$/,
  },
  "throws in open": {
    plugin: { ...udp, open: fail },
    found: "opens in",
    reason: /^it failed in open: boom$/,
  },
  "hands no bytes to a socket": {
    plugin: ofUdp(() => ({ send: () => {} })),
    found: "sees each hop",
    reason: /^send handed no packet to any socket$/,
  },
  "knows no answer": {
    plugin: ofUdp(() => ({ match: () => undefined })),
    found: "sees each hop and the target through a NAT",
    reason: /^match knew the answers to 0 of 240 probes; all were answered$/,
  },
  "names probes that were never sent": {
    plugin: saying(({ sequence }) => ({ sequence: (sequence + 30_000) & 0xffff })),
    found: "sees each hop and then",
    reason: /^match named the probe 30001, which was never sent$/,
  },
  "is asynchronous": {
    plugin: ofUdp(() => ({ match: async () => undefined })),
    found: "sees each hop",
    reason: /^it failed in match: it returned a promise$/,
  },
  "takes time exceeded for reached": {
    plugin: saying(() => ({ effect: "reached" })),
    found: "sees each hop and then",
    reason: /^the effect of the answer to hop limit 1 is "reached", not "transit"$/,
  },
  "does not know the target's own answer": {
    plugin: ofUdp((session) => ({
      match: (arrival: Arrival) =>
        arrival.kind === "packet" && arrival.protocol === 17 ? undefined : session.match(arrival),
    })),
    found: "takes the target's own answer",
    reason: /^match found no answer to the probe with hop limit 30 \(the target, /,
  },
  "takes a closed port for the end of the way": {
    plugin: saying((reply) => ({ effect: reply.mark === "closed" ? "unreachable" : reply.effect })),
    found: "counts a target with closed ports",
    reason: /^the effect of the target's refusal is "unreachable", not "reached"$/,
  },
  "takes unreachable for transit": {
    plugin: saying(({ effect }) => ({ effect: effect === "unreachable" ? "transit" : effect })),
    found: "tells that a router",
    reason: /^the effect of "host unreachable" is "transit"/,
  },
  "forgets the labels": {
    plugin: saying(() => ({ mpls: undefined })),
    found: "reports the labels",
    reason: /^hop 2 has the MPLS labels 339234, 16, and the reply says none$/,
  },
  "counts to 65,534": {
    plugin: asking(({ sequence }) => ({ sequence: sequence % 0xffff })),
    found: "names the right probe while the sequence wraps",
    reason: /^match named the probe 0, which was never sent$/,
  },
  "remembers 100 probes": {
    plugin: ofUdp((session) => {
      const latest: number[] = [];
      return {
        send(probe: Probe) {
          session.send(probe);
          latest.push(probe.sequence);
          if (latest.length > 100) latest.shift();
        },
        match(arrival: Arrival) {
          const reply = session.match(arrival);
          return reply && latest.includes(reply.sequence) ? reply : undefined;
        },
      };
    }),
    found: "tells apart as many probes",
    reason: /^of 1000 probes under way, match knew the answers to 100$/,
  },
  "takes another trace's answers, as that trace does": {
    plugin: careless,
    found: "keeps apart",
    reason: /^match (took|named)/,
  },
  "takes another trace's answers": {
    plugin: careless,
    found: "claims nothing",
    reason: /^match took the answer to another trace's probe for that to 1$/,
  },
  "leaves its sockets open": {
    plugin: ofUdp(() => ({ [Symbol.dispose]: () => {} })),
    found: "closes its sockets",
    reason: /^2 of its sockets are open after it was disposed$/,
  },
  "takes answers in the order of probes, though some are lost": {
    plugin: inOrder,
    found: "names the right probe where others are lost",
    reason: /^match took an answer of /,
  },
  "takes answers in the order of probes, though some come twice": {
    plugin: inOrder,
    found: "takes every copy",
    reason: /^match took an answer of /,
  },
  "takes answers in the order of probes, though some overtake others": {
    plugin: inOrder,
    found: "names the right probe where answers overtake",
    reason: /^match took an answer of /,
  },
  "forgets after a second": {
    plugin: ofUdp((session, network) => {
      let sentMs = 0;
      return {
        send(probe: Probe) {
          session.send(probe);
          sentMs = network.nowMs();
        },
        match: (arrival: Arrival) => (network.nowMs() - sentMs > 1000 ? undefined : session.match(arrival)),
      };
    }),
    found: "knows an answer that comes",
    reason: /^match found no answer to the probe with hop limit 2 \(router /,
  },
  "guesses where a NAT changed the quote": {
    plugin: guessing,
    found: "names no wrong probe behind a NAT",
    reason: /^match took an answer of /,
  },
  "trusts the end of a short quote": {
    plugin: careless,
    found: "makes nothing of packets too short",
    reason: /^match took a packet cut to \d+ octets for the answer to probe /,
  },
  "guesses where routers quote little": {
    plugin: ofUdp((session) => ({
      // The last two octets: of the payload, or of what is quoted instead.
      match(arrival: Arrival) {
        const reply = session.match(arrival);
        const { length } = arrival.kind === "packet" ? arrival.bytes : [];
        const isShort = arrival.kind === "packet" && length < 60 && reply !== undefined;
        return isShort ? { ...reply, sequence: 65_500 } : reply;
      },
    })),
    found: "names no wrong probe where routers quote",
    reason: /^match took an answer of /,
  },
  "counts the ports up, as the classic traceroute does": {
    plugin: asking(({ sequence }) => ({ flow: 1 + (sequence % 100) })),
    found: "looks the same to a balancer",
    reason: /^probes of flow 0 differ in what balancers hash: /,
  },
  "takes several ways in one flow": {
    plugin: asking(({ sequence }) => ({ flow: 1 + (sequence % 100) })),
    found: "keeps to one path",
    reason: /^[\d.a-f:]+ and [\d.a-f:]+ answered probes of one flow at hop [24]$/,
  },
  "has one flow only": {
    plugin: asking(() => ({ flow: 0 })),
    found: "looks different",
    reason: /^16 flows look like 1 to balancers$/,
  },
  "takes one way in all flows": {
    plugin: asking(() => ({ flow: 0 })),
    found: "takes other paths",
    reason: /^32 flows all took one way at a hop of 3 routers$/,
  },
  "counts hop limits from 0": {
    plugin: asking(({ hopLimit }) => ({ hopLimit: Math.min(255, hopLimit + 1) })),
    found: "sends packets with the hop limit",
    reason: /^a probe of hop limit 1 left with 2$/,
  },
  "claims to bear no probe": {
    plugin: ofUdp(() => ({ probesPerFlow: 0 })),
    found: "is traced",
    reason: /^it failed in open: its session's probesPerFlow is not a whole number/,
  },
  "says nothing of a route that prohibits": {
    plugin: deaf,
    found: "throws the errno of a route",
    reason: /^neither open nor send threw a SocketError$/,
  },
  "says nothing of sockets that do not open": {
    plugin: deaf,
    found: "throws, and leaves nothing open",
    reason: /^neither open nor send threw a SocketError$/,
  },
  "swallows EPERM": {
    plugin: swallowing,
    found: "tells that this host drops",
    reason: /^neither open nor send threw a SocketError$/,
  },
  "ends at the first refusal": {
    plugin: ofUdp((session) => {
      let isOver = false;
      return {
        send(probe: Probe) {
          try {
            if (!isOver) session.send(probe);
          } catch (error) {
            isOver = true;
            throw error;
          }
        },
      };
    }),
    found: "goes on after a send",
    reason: /^of 12 probes 11 left, and match knew 2 answers$/,
  },
  "takes silence for a refusal": {
    plugin: ofUdp(() => ({
      hiddenRefusalAtMs: [100],
      hiddenRefusal: () => new SocketError("connect", null, "send", "nothing came"),
    })),
    found: "takes no silence",
    reason: /^hiddenRefusal told a refusal: Cannot send: nothing came$/,
  },
  "trusts any quote": {
    plugin: careless,
    found: "makes nothing of quotes",
    reason: /^match took a packet that quotes another IP version/,
  },
  "trusts a wrong checksum": {
    plugin: careless,
    found: "makes nothing of ICMP errors with a wrong",
    reason: /^match took a packet with a wrong checksum/,
  },
  "trusts noise": {
    plugin: careless,
    found: "makes nothing of noise",
    reason: /^match took a packet of random octets/,
  },
  "throws at short packets": {
    plugin: ofUdp((session) => ({
      match(arrival: Arrival) {
        if (arrival.kind === "packet") new DataView(Uint8Array.from(arrival.bytes).buffer).getUint16(6);
        return session.match(arrival);
      },
    })),
    found: "never throws",
    reason: /^it failed in match: /,
  },
  "throws at a changed quote": {
    plugin: ofUdp((session) => ({
      match(arrival: Arrival) {
        const reply = session.match(arrival);
        const isQuote = arrival.kind === "packet" && arrival.protocol !== 17;
        if (isQuote && reply === undefined) throw new RangeError("Out of bounds");
        return reply;
      },
    })),
    found: "bears a path",
    reason: /^it failed in match: Out of bounds$/,
  },
};
