import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import {
  checksum,
  parseExtensions,
  parseIcmp,
  parseIp,
  parseQuote,
  parseQuotedIp,
  parseTcp,
  parseTcpStart,
  parseUdp,
  verifyIcmp,
  verifyIpv4Header,
  verifyTransport,
} from "../../core/wire/mod.ts";
import { CAPTURE_NAMES, capture, capturedPacket } from "./captures.ts";

const MUTANTS = 100_000;
const SEED = 0x6e747261;

type Random = (below: number) => number;

/** mulberry32: the same mutants on every run and every runtime. */
function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Every captured packet, what it carries, what that quotes, and bare extension structures. */
function corpus(): readonly Uint8Array[] {
  const seeds: Uint8Array[] = [];
  for (const name of CAPTURE_NAMES) {
    const packet = capturedPacket(name);
    seeds.push(capture(name), packet.payload.slice());
    const quote = parseQuote(packet.payload, packet.version);
    if (quote === undefined) continue;
    seeds.push(quote.packet.payload.slice());
    if (quote.extensions.length > 0) seeds.push(quote.extensions.slice(), quote.extensions.slice());
  }
  return seeds;
}

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

function flipBits(bytes: Uint8Array, random: Random): Uint8Array {
  const mutant = bytes.slice();
  for (let left = 1 + random(8); left > 0; left--) {
    const at = random(mutant.length);
    mutant[at] = (mutant[at] ?? 0) ^ (1 << random(8));
  }
  return mutant;
}

function truncate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, random(bytes.length + 1));
}

function duplicateSlice(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random(bytes.length);
  const slice = bytes.subarray(start, start + 1 + random(64));
  const at = random(bytes.length + 1);
  return Uint8Array.from([...bytes.subarray(0, at), ...slice, ...bytes.subarray(at)]);
}

/** Where length fields are: IP, RFC 4884, UDP, TCP, extension headers; in the packet, its payload, and its quote. */
const LENGTH_FIELDS = [0, 2, 4, 5, 6, 12, 24, 25, 32, 41, 44, 45, 49, 50, 52, 65, 88, 93, 132, 136, 140, 148, 156];
const LIES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 129, 254, 255];

function lieAboutLength(bytes: Uint8Array, random: Random): Uint8Array {
  const mutant = bytes.slice();
  const at = random(2) === 0 ? (LENGTH_FIELDS[random(LENGTH_FIELDS.length)] ?? 0) : random(mutant.length);
  if (at < mutant.length) mutant[at] = LIES[random(LIES.length)] ?? 0;
  if (random(2) === 0 && at + 1 < mutant.length) mutant[at + 1] = LIES[random(LIES.length)] ?? 0;
  return mutant;
}

function splice(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const head = bytes.subarray(0, random(bytes.length + 1));
  return Uint8Array.from([...head, ...other.subarray(random(other.length + 1))]);
}

/** Makes extension structures' checksums right or absent again, so that what lies behind the check is reached too. */
function mendChecksum(bytes: Uint8Array, random: Random): Uint8Array {
  const mutant = bytes.slice();
  for (const at of [0, 8 + 128, 20 + 8 + 128, 40 + 8 + 128]) {
    if ((mutant[at] ?? 0) >>> 4 !== 2 || at + 4 > mutant.length) continue;
    mutant.set([0, 0], at + 2);
    if (random(2) === 0) continue;
    const sum = checksum(mutant, at);
    mutant.set([sum >>> 8, sum & 0xff], at + 2);
  }
  return mutant;
}

const MUTATIONS: readonly Mutation[] = [flipBits, truncate, duplicateSlice, lieAboutLength, splice];

function mutate(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = () => seeds[random(seeds.length)] ?? new Uint8Array(0);
  let mutant = pick();
  for (let left = 1 + random(3); left > 0 && mutant.length > 0; left--) {
    mutant = MUTATIONS[random(MUTATIONS.length)]?.(mutant, random, pick()) ?? mutant;
  }
  return random(2) === 0 ? mendChecksum(mutant, random) : mutant;
}

const SOURCE_4 = Uint8Array.of(192, 0, 2, 1);
const TARGET_4 = Uint8Array.of(198, 51, 100, 3);
const SOURCE_6 = capturedPacket("udpProbe6").source;
const TARGET_6 = capturedPacket("udpProbe6").destination;

/** What reads received bytes; undefined and false are refusals. */
const PARSERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  parseIp,
  parseQuotedIp,
  parseIcmp,
  parseUdp,
  parseTcp,
  parseTcpStart,
  parseExtensions,
  parseQuote4: (bytes) => parseQuote(bytes, 4),
  parseQuote6: (bytes) => parseQuote(bytes, 6),
  /** As a raw socket's reader goes from the packet to the quote in it. */
  parseNested: (bytes) => {
    const packet = parseIp(bytes);
    return packet && parseQuote(packet.payload, packet.version);
  },
  verifyIpv4Header,
  verifyIcmp4: (bytes) => verifyIcmp(bytes, 4),
  verifyIcmp6: (bytes) => verifyIcmp(bytes, 6, TARGET_6, SOURCE_6),
  verifyUdp4: (bytes) => verifyTransport(bytes, 17, SOURCE_4, TARGET_4),
  verifyUdp6: (bytes) => verifyTransport(bytes, 17, SOURCE_6, TARGET_6),
  verifyTcp4: (bytes) => verifyTransport(bytes, 6, SOURCE_4, TARGET_4),
  verifyTcp6: (bytes) => verifyTransport(bytes, 6, SOURCE_6, TARGET_6),
};

/** Fails where a view in the result is no part of `input`, or a number is none. */
function checkResult(result: unknown, input: Uint8Array): void {
  if (result instanceof Uint8Array) {
    const inside =
      result.buffer === input.buffer &&
      result.byteOffset >= input.byteOffset &&
      result.byteOffset + result.length <= input.byteOffset + input.length;
    if (!inside) assert.fail(`a view of ${result.length} octets at ${result.byteOffset} exceeds the input`);
  } else if (typeof result === "number") {
    if (!Number.isInteger(result) || result < 0 || result > 0xffffffff) assert.fail(`${result} was on no wire`);
  } else if (typeof result === "object" && result !== null) {
    for (const value of Object.values(result)) checkResult(value, input);
  }
}

describe("every parser", () => {
  it(`survives ${MUTANTS} mutated packets: none throws, none loops, no view exceeds its input`, () => {
    const random = mulberry32(SEED);
    const seeds = corpus();
    const accepted = new Map(Object.keys(PARSERS).map((name) => [name, 0]));
    let labels = 0;
    let interfaces = 0;
    // The input lies inside a larger buffer, as it does in a socket's arena, so that reading on would be possible.
    const arena = new Uint8Array(new ArrayBuffer(16_384)).fill(0x45);
    for (let turn = 0; turn < MUTANTS; turn++) {
      const mutant = mutate(seeds, random);
      const at = random(64);
      const input = arena.subarray(at, at + mutant.length);
      input.set(mutant);
      for (const [name, parse] of Object.entries(PARSERS)) {
        let result: unknown;
        try {
          result = parse(input);
        } catch (error) {
          assert.fail(`${name} threw ${String(error)} on ${Buffer.from(mutant).toString("hex")}`);
        }
        if (result === undefined || result === false) continue;
        checkResult(result, input);
        accepted.set(name, (accepted.get(name) ?? 0) + 1);
      }
      const extensions = parseExtensions(input);
      labels += extensions?.mpls.length ?? 0;
      interfaces += extensions?.interfaces.length ?? 0;
      if ((extensions?.mpls.length ?? 0) * 4 > input.length) assert.fail("more labels than octets can hold");
      input.fill(0x45);
    }
    for (const [name, count] of accepted) {
      // Few mutants keep a checksum right; the parsers, which verify none but the extensions', accept far more.
      assert.ok(
        count >= (name.startsWith("verify") ? 25 : 500),
        `${name} accepted only ${count} mutants: too few to test anything`,
      );
      assert.ok(count < MUTANTS, `${name} refused no mutant`);
    }
    assert.ok(labels >= 100 && interfaces >= 100, `only ${labels} labels and ${interfaces} interfaces were read`);
  });

  it("reads the same from a packet alone and from one amid other octets", () => {
    const random = mulberry32(SEED + 1);
    const seeds = corpus();
    const arena = new Uint8Array(new ArrayBuffer(16_384));
    for (let turn = 0; turn < 2_000; turn++) {
      const mutant = mutate(seeds, random);
      arena.fill(turn);
      arena.set(mutant, 32);
      const input = arena.subarray(32, 32 + mutant.length);
      for (const [name, parse] of Object.entries(PARSERS)) assert.deepEqual(parse(input), parse(mutant), name);
    }
  });

  it("reads every corpus packet cut at every length", () => {
    for (const seed of corpus()) {
      for (let length = 0; length <= seed.length; length++) {
        const input = seed.subarray(0, length);
        for (const parse of Object.values(PARSERS)) checkResult(parse(input), input);
      }
    }
  });
});
