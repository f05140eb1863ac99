/**
 * A program: `forger.ts ADDRESS SECONDS` sends forged ICMP to a host, as an attacker beside the path might: time exceeded
 * and unreachable that quote packets nobody sent, truncated, mutated, with wrong checksums; echo replies nobody asked for.
 * Bounded in rate and time; says how many it sent.
 */
import { parseAddress } from "../../core/address.ts";
import { SocketError } from "../../core/errors.ts";
import { createPrng } from "../../core/sim/prng.ts";
import { openSystemNetwork } from "../../core/socket/system.ts";
import { encodeEcho, encodeIcmp, encodeIcmpError, encodeIp, encodeTcp, encodeUdp } from "../../core/wire/mod.ts";

const to = parseAddress(process.argv[2] ?? "");
const target = parseAddress(process.argv[3] ?? "");
const seconds = Math.min(Number(process.argv[4] ?? 3), 20);
if (to === undefined || target === undefined || to.family !== target.family) {
  throw new TypeError("Cannot forge: forger.ts HOST TARGET SECONDS");
}
const BURST = 20;
const PAUSE_MS = 10;

const { family } = to;
const prng = createPrng(1);
using network = await openSystemNetwork();
using socket = network.open({ type: "raw", protocol: family === 4 ? 1 : 58 }, family);
const source = network.route(to).source;
const ends = { source: to.bytes, destination: target.bytes };
const types = family === 4 ? { exceeded: 11, unreachable: 3 } : { exceeded: 3, unreachable: 1 };

/** A packet such as a tracer on the host would send, with ports, identifiers and sequences by chance. */
function original(): Uint8Array {
  const sequence = prng.below(0x10000);
  const protocol = [1, 17, 6][prng.below(3)] ?? 6;
  const ports = { sourcePort: 1024 + prng.below(0xf000), destinationPort: [443, 80, 33434][prng.below(3)] ?? 443 };
  const payload = Uint8Array.from({ length: 32 }, () => prng.below(256));
  const body =
    protocol === 6
      ? encodeTcp({ ...ends, ...ports, sequence: prng.below(2 ** 32), flags: 2 })
      : protocol === 17
        ? encodeUdp({ ...ends, ...ports, payload })
        : encodeEcho({ version: family, request: true, identifier: prng.below(0x10000), sequence, payload, ...ends });
  const number = protocol === 1 && family === 6 ? 58 : protocol;
  return encodeIp({ ...ends, protocol: number, hopLimit: 1, payload: body });
}

function forged(): Uint8Array {
  const kind = prng.below(6);
  const addresses = { source: source.bytes, destination: to?.bytes ?? source.bytes };
  if (kind === 0) {
    const payload = Uint8Array.from({ length: 32 }, () => prng.below(256));
    const identifier = prng.below(0x10000);
    return encodeEcho({
      version: family,
      request: false,
      identifier,
      sequence: prng.below(0x10000),
      payload,
      ...addresses,
    });
  }
  const type = kind === 1 ? types.unreachable : types.exceeded;
  const quoted = original();
  if (kind === 2) {
    const body = quoted.subarray(0, prng.below(quoted.length));
    return encodeIcmp({ version: family, type, code: 0, body, ...addresses });
  }
  const bytes = encodeIcmpError({ version: family, type, code: prng.below(3), original: quoted, ...addresses });
  if (kind >= 4) for (let flips = 0; flips < 4; flips += 1) bytes[prng.below(bytes.length)] = prng.below(256);
  return bytes;
}

let sent = 0;
const endMs = network.nowMs() + seconds * 1000;
console.log("forging");
while (network.nowMs() < endMs) {
  for (let burst = 0; burst < BURST; burst += 1) {
    try {
      socket.send(forged(), { address: to, port: 0 }, 64, 0);
      sent += 1;
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
console.log(`sent ${sent}`);
