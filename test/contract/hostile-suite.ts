import assert from "node:assert/strict";
import type { Arrival, PacketArrival } from "../../core/network.ts";
import type { ProbeSession, ProtocolPlugin } from "../../core/plugin.ts";
import type { Reply } from "../../core/probe.ts";
import { createPrng, type Prng } from "../../core/sim/prng.ts";
import { encodeIcmp, parseIcmp } from "../../core/wire/mod.ts";
import { type Bench, copyOf, probe } from "./bench.ts";
import type { Tester } from "./plugin-suite.ts";

const MUTATIONS = 4000;

/** Registers the tests of what a plugin makes of bytes that are not what they should be. */
export function hostileContract(test: Tester, plugin: ProtocolPlugin): void {
  test("plain", "makes nothing of packets too short to tell whose they are", async (bench) => {
    await inspectAnswers(plugin, bench, (arrival, match) => {
      if (arrival.kind !== "packet" || arrival.protocol === 17) return;
      const quoteAt = quotedHeaderAt(arrival);
      // Of a quote the IP header and 8 octets are the least (RFC 792); of an answer 8 octets tell who is meant.
      const least = quoteAt === undefined ? 8 : quoteAt + (bench.target.address.family === 4 ? 20 : 40) + 8;
      for (let length = 0; length < least; length++) {
        assert.equal(match(sealed({ ...arrival, bytes: arrival.bytes.slice(0, length) }, bench)), undefined);
      }
    });
  });

  test("plain", "makes nothing of quotes of packets that it did not send", async (bench) => {
    const v4 = bench.target.address.family === 4;
    await inspectAnswers(plugin, bench, (arrival, match) => {
      const quoteAt = arrival.kind === "packet" ? quotedHeaderAt(arrival) : undefined;
      if (arrival.kind !== "packet" || quoteAt === undefined) return;
      const changed = (at: number): Arrival => {
        const bytes = Uint8Array.from(arrival.bytes);
        bytes[at] = (bytes[at] ?? 0) ^ 0x15;
        return sealed({ ...arrival, bytes }, bench);
      };
      assert.equal(match(changed(quoteAt)), undefined, "of another IP version");
      assert.equal(match(changed(quoteAt + (v4 ? 9 : 6))), undefined, "of another protocol");
      assert.equal(match(changed(quoteAt + (v4 ? 19 : 39))), undefined, "to another destination");
      const protocol = arrival.bytes[quoteAt + (v4 ? 9 : 6)];
      if (protocol !== 6 && protocol !== 17) return;
      assert.equal(match(changed(quoteAt + (v4 ? 20 : 40) + 1)), undefined, "from another port");
    });
  });

  test("plain", "makes nothing of ICMP errors with a wrong checksum", async (bench) => {
    await inspectAnswers(plugin, bench, (arrival, match) => {
      if (arrival.kind !== "packet" || quotedHeaderAt(arrival) === undefined) return;
      const bytes = Uint8Array.from(arrival.bytes);
      bytes[3] = (bytes[3] ?? 0) ^ 1;
      assert.equal(match({ ...arrival, bytes }), undefined);
    });
  });

  test("plain", "makes nothing of noise", async (bench) => {
    const prng = createPrng(99);
    await inspectAnswers(plugin, bench, (arrival, match) => {
      if (arrival.kind !== "packet" || arrival.protocol === 17) return;
      for (let index = 0; index < 200; index++) {
        const bytes = Uint8Array.from({ length: prng.below(300) }, () => prng.below(256));
        assert.equal(match({ ...arrival, bytes }), undefined);
      }
    });
  });

  test("plain", `never throws, and forges no impossible reply, over ${MUTATIONS} mutated arrivals`, async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    const arrivals = await answersTo(bench, session);
    const prng = createPrng(bench.target.address.family);
    for (let index = 0; index < MUTATIONS; index++) {
      const original = arrivals[index % arrivals.length];
      if (original === undefined) break;
      const changed = mutated(original, prng);
      assertPossible(session.match(prng.chance(0.5) && changed.kind === "packet" ? sealed(changed, bench) : changed));
    }
  });
}

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
  inspect: (arrival: Arrival, match: (changed: Arrival) => Reply | undefined) => void,
): Promise<void> {
  using session = plugin.open(bench.network, bench.target, {});
  probeEachHop(bench, session);
  const untilMs = bench.network.nowMs() + 3000;
  const matched = new Set<number>();
  while (matched.size < bench.responders.length) {
    const arrival = await bench.network.receive(untilMs);
    if (arrival === undefined) break;
    inspect(arrival, (changed) => session.match(changed));
    const reply = session.match(arrival);
    if (reply !== undefined) matched.add(reply.sequence);
  }
  assert.equal(matched.size, bench.responders.length, "every hop answered");
}

/** Copies of all that arrives while no answer has been looked at yet: each probe is still open. */
async function answersTo(bench: Bench, session: ProbeSession): Promise<readonly Arrival[]> {
  probeEachHop(bench, session);
  const found: Arrival[] = [];
  const untilMs = bench.network.nowMs() + 300;
  for (let arrival = await bench.network.receive(untilMs); arrival; arrival = await bench.network.receive(untilMs)) {
    if (arrival.kind !== "departure") found.push(copyOf(arrival));
  }
  assert.ok(found.length >= bench.responders.length, "every hop answered");
  return found;
}

/** The packet with its ICMP checksum made right again, so that what else is wrong with it is what counts. */
function sealed(arrival: PacketArrival, { network, target }: Bench): PacketArrival {
  const { family } = target.address;
  const message = parseIcmp(arrival.bytes);
  if (message === undefined || (arrival.protocol !== 1 && arrival.protocol !== 58)) return arrival;
  const ends = { source: arrival.from.bytes, destination: network.route(target.address).source.bytes };
  return { ...arrival, bytes: encodeIcmp({ version: family, ...message, ...ends }) };
}

/** Where the quoted IP header begins, if the packet is an ICMP error. */
function quotedHeaderAt({ protocol, bytes }: PacketArrival): number | undefined {
  const type = bytes[0] ?? 0;
  const isError = protocol === 1 ? type === 3 || type === 11 : protocol === 58 && type < 128;
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

function assertPossible(reply: Reply | undefined): void {
  if (reply === undefined) return;
  const { sequence, effect, from, quotedHopLimit, mtu } = reply;
  assert.ok(Number.isInteger(sequence) && sequence >= 0 && sequence <= 0xffff);
  assert.ok(["transit", "reached", "unreachable"].includes(effect));
  assert.ok(from.bytes.length === 4 || from.bytes.length === 16);
  if (quotedHopLimit !== undefined) assert.ok(quotedHopLimit >= 0 && quotedHopLimit <= 255);
  if (mtu !== undefined) assert.ok(Number.isInteger(mtu) && mtu >= 0);
}
