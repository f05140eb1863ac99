import type { Arrival, PacketArrival } from "../network.ts";
import type { ProbeSession, ProtocolPlugin } from "../plugin.ts";
import type { Reply } from "../probe.ts";
import { createPrng, type Prng } from "../sim/prng.ts";
import { encodeIcmp, IP_PROTOCOL, parseIcmp } from "../wire/mod.ts";
import type { Bench } from "./bench.ts";
import type { ConformanceCase } from "./case.ts";
import { expectThat, fail } from "./expect.ts";
import { ANSWER_WITHIN_MS, copyOf, flowsFor, openSession, probe } from "./session.ts";

/** Of these the kernel hands over what it has checked, from the port that was asked. */
const DATAGRAMS: ReadonlySet<number> = new Set([IP_PROTOCOL.udp, IP_PROTOCOL.udpLite]);
const MUTATIONS = 4000;
const SPOILT_PROBES = 240;

/** What it makes of bytes that are not what they should be. */
export const HOSTILE_CASES: readonly ConformanceCase[] = [
  {
    name: "makes nothing of packets too short to tell whose they are",
    situation: "plain",
    run: (bench, { plugin }) =>
      inspectAnswers(plugin, bench, (arrival, refuses) => {
        if (arrival.kind !== "packet" || DATAGRAMS.has(arrival.protocol)) return;
        const quoteAt = quotedHeaderAt(arrival);
        // Of a quote the IP header and 8 octets are the least (RFC 792); of an answer 8 octets tell who is meant.
        const least = quoteAt === undefined ? 8 : quoteAt + (bench.target.address.family === 4 ? 20 : 40) + 8;
        for (let length = 0; length < least; length++) {
          refuses(sealed({ ...arrival, bytes: arrival.bytes.slice(0, length) }, bench), `cut to ${length} octets`);
        }
      }),
  },
  {
    name: "makes nothing of quotes of packets that it did not send",
    situation: "plain",
    run(bench, { plugin }) {
      const v4 = bench.target.address.family === 4;
      return inspectAnswers(plugin, bench, (arrival, refuses) => {
        const quoteAt = arrival.kind === "packet" ? quotedHeaderAt(arrival) : undefined;
        if (arrival.kind !== "packet" || quoteAt === undefined) return;
        const changed = (at: number): Arrival => {
          const bytes = Uint8Array.from(arrival.bytes);
          bytes[at] = (bytes[at] ?? 0) ^ 0x15;
          return sealed({ ...arrival, bytes }, bench);
        };
        refuses(changed(quoteAt), "that quotes another IP version");
        refuses(changed(quoteAt + (v4 ? 9 : 6)), "that quotes another protocol");
        refuses(changed(quoteAt + (v4 ? 19 : 39)), "that quotes a packet to another destination");
        const protocol = arrival.bytes[quoteAt + (v4 ? 9 : 6)];
        if (protocol !== IP_PROTOCOL.tcp && protocol !== IP_PROTOCOL.udp) return;
        refuses(changed(quoteAt + (v4 ? 20 : 40) + 1), "that quotes a packet from another port");
      });
    },
  },
  {
    name: "makes nothing of ICMP errors with a wrong checksum",
    situation: "plain",
    run: (bench, { plugin }) =>
      inspectAnswers(plugin, bench, (arrival, refuses) => {
        if (arrival.kind !== "packet" || quotedHeaderAt(arrival) === undefined) return;
        const bytes = Uint8Array.from(arrival.bytes);
        bytes[3] = (bytes[3] ?? 0) ^ 1;
        refuses({ ...arrival, bytes }, "with a wrong checksum");
      }),
  },
  {
    name: "makes nothing of noise",
    situation: "plain",
    run(bench, { plugin }) {
      const prng = createPrng(99);
      return inspectAnswers(plugin, bench, (arrival, refuses) => {
        if (arrival.kind !== "packet" || DATAGRAMS.has(arrival.protocol)) return;
        for (let index = 0; index < 200; index++) {
          const bytes = Uint8Array.from({ length: prng.below(300) }, () => prng.below(256));
          refuses({ ...arrival, bytes }, "of random octets");
        }
      });
    },
  },
  {
    name: `never throws, and forges no impossible reply, over ${MUTATIONS} mutated arrivals`,
    situation: "plain",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const arrivals = await answersTo(bench, session);
      const prng = createPrng(bench.target.address.family);
      for (let index = 0; index < MUTATIONS; index++) {
        const original = arrivals[index % arrivals.length];
        if (original === undefined) break;
        const changed = mutated(original, prng);
        // The session's guard throws for what no reply can be.
        session.matchForged(prng.chance(0.5) && changed.kind === "packet" ? sealed(changed, bench) : changed);
      }
    },
  },
  {
    name: "bears a path that spoils nearly every answer",
    situation: "hostile",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      flowsFor(session, SPOILT_PROBES).forEach((flow, sequence) => {
        session.send(probe({ sequence, hopLimit: 1 + (sequence % bench.responders.length), flow }));
      });
      const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
      for (
        let arrival = await bench.network.receive(untilMs);
        arrival;
        arrival = await bench.network.receive(untilMs)
      ) {
        session.matchForged(arrival);
      }
    },
  },
];

/** A probe to each hop, in the path's own flow where it bears as many. */
function probeEachHop(bench: Bench, session: ProbeSession): void {
  for (let hopLimit = 1; hopLimit <= bench.responders.length; hopLimit++) {
    const flow = session.probesPerFlow === undefined ? 0 : hopLimit;
    session.send(probe({ sequence: hopLimit, hopLimit, flow }));
  }
}

/**
 * Shows each arrival to `inspect` before the session sees it; in the end every hop must still have been matched, so that
 * what was refused was refused for what had been changed in it.
 */
async function inspectAnswers(
  plugin: ProtocolPlugin,
  bench: Bench,
  inspect: (arrival: Arrival, refuses: (changed: Arrival, how: string) => void) => void,
): Promise<void> {
  using session = openSession(plugin, bench);
  probeEachHop(bench, session);
  const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
  const matched = new Set<number>();
  const refuses = (changed: Arrival, how: string): void => {
    const reply: Reply | undefined = session.matchForged(changed);
    if (reply !== undefined) fail(`match took a packet ${how} for the answer to probe ${reply.sequence}`);
  };
  while (matched.size < bench.responders.length) {
    const arrival = await bench.network.receive(untilMs);
    if (arrival === undefined) break;
    inspect(arrival, refuses);
    const reply = session.match(arrival);
    if (reply !== undefined) matched.add(reply.sequence);
  }
  const told = `after that, match knew the answers of ${matched.size} of ${bench.responders.length} hops`;
  expectThat(matched.size === bench.responders.length, told);
}

/** Copies of all that arrives while no answer has been looked at yet: each probe is still open. */
async function answersTo(bench: Bench, session: ProbeSession): Promise<readonly Arrival[]> {
  probeEachHop(bench, session);
  const found: Arrival[] = [];
  const untilMs = bench.network.nowMs() + 300;
  for (let arrival = await bench.network.receive(untilMs); arrival; arrival = await bench.network.receive(untilMs)) {
    if (arrival.kind !== "departure") found.push(copyOf(arrival));
  }
  const told = `${found.length} answers came to probes for ${bench.responders.length} hops`;
  expectThat(found.length >= bench.responders.length, told);
  return found;
}

/** The packet with its ICMP checksum made right again, so that what else is wrong with it is what counts. */
function sealed(arrival: PacketArrival, { network, target }: Bench): PacketArrival {
  const { family } = target.address;
  const message = parseIcmp(arrival.bytes);
  const isIcmp = arrival.protocol === IP_PROTOCOL.icmp || arrival.protocol === IP_PROTOCOL.icmpv6;
  if (message === undefined || !isIcmp) return arrival;
  const ends = { source: arrival.from.bytes, destination: network.route(target.address).source.bytes };
  return { ...arrival, bytes: encodeIcmp({ version: family, ...message, ...ends }) };
}

/** Where the quoted IP header begins, if the packet is an ICMP error. */
function quotedHeaderAt({ protocol, bytes }: PacketArrival): number | undefined {
  const type = bytes[0] ?? 0;
  const isError =
    protocol === IP_PROTOCOL.icmp ? type === 3 || type === 11 : protocol === IP_PROTOCOL.icmpv6 && type < 128;
  return isError ? 8 : undefined;
}

function mutated(original: Arrival, prng: Prng): Arrival {
  switch (original.kind) {
    case "packet":
    case "data":
      return { ...original, bytes: spoilt(original.bytes, prng) };
    case "error": {
      const icmp = prng.chance(0.2) ? { type: prng.below(256), code: prng.below(256) } : original.icmp;
      const { quoted, extensions } = original;
      return { ...original, icmp, quoted: spoilt(quoted, prng), extensions: spoilt(extensions, prng) };
    }
    case "handshake":
    case "departure":
      return original;
  }
}

function spoilt(bytes: Uint8Array, prng: Prng): Uint8Array {
  const copy = Uint8Array.from(bytes);
  switch (prng.below(5)) {
    case 0:
      return copy.slice(0, prng.below(copy.length + 1));
    case 1:
      return Uint8Array.of(...copy, ...Array.from({ length: prng.below(40) }, () => prng.below(256)));
    case 2:
      return copy.slice(prng.below(copy.length + 1));
    case 3:
      for (let flips = prng.below(8); flips >= 0; flips--) {
        const at = prng.below(copy.length);
        if (at < copy.length) copy[at] = prng.below(256);
      }
      return copy;
    default: {
      const at = prng.below(copy.length + 1);
      return copy.fill(prng.below(256), at, at + prng.below(16));
    }
  }
}
