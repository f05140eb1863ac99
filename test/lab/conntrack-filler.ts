/**
 * Fills the connection-tracking table of its network namespace with connections that nothing may push out (ASSURED), up to
 * nf_conntrack_max: the limit is the whole machine's and cannot be lowered in a namespace, but it holds for the
 * connections of each namespace alone. Prints `COUNT MOST`. By ctnetlink (linux/netfilter/nfnetlink_conntrack.h). Run by
 * Bun, as root.
 */
import { dlopen, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";

const [AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER] = [16, 3, 12];
const MSG_DONTWAIT = 0x40;
const NEW_CONNECTION = 1 << 8;
const [REQUEST, EXCLUSIVE, CREATE] = [1, 0x200, 0x400];
const NESTED = 0x8000;
const SEEN_REPLY_ASSURED_CONFIRMED = 2 | 4 | 8;
const UDP = 17;
const SECONDS = 600;
const BATCH = 256;

const octets = (...bytes: readonly number[]): Buffer => Buffer.from(bytes);
const u32 = (value: number): Buffer => octets(value >>> 24, value >>> 16, value >>> 8, value);
const u16 = (value: number): Buffer => octets(value >>> 8, value);

/** A length that counts the padding of the value would be wrong: each attribute is padded behind it. */
function attribute(type: number, ...values: readonly Buffer[]): Buffer {
  const value = Buffer.concat(values);
  const whole = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

function tuple(type: number, from: number, fromPort: number, to: number, toPort: number): Buffer {
  const addresses = attribute(1 | NESTED, attribute(1, u32(from)), attribute(2, u32(to)));
  const protocol = attribute(
    2 | NESTED,
    attribute(1, octets(UDP)),
    attribute(2, u16(fromPort)),
    attribute(3, u16(toPort)),
  );
  return attribute(type | NESTED, addresses, protocol);
}

/** From 240.x.y.z, which nobody has. */
function connection(number: number): Buffer {
  const [from, to] = [0xf000_0000 + number, 0xf100_0000];
  const body = Buffer.concat([
    octets(2, 0, 0, 0),
    tuple(1, from, 1, to, 2),
    tuple(2, to, 2, from, 1),
    attribute(3, u32(SEEN_REPLY_ASSURED_CONFIRMED)),
    attribute(7, u32(SECONDS)),
  ]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(NEW_CONNECTION, 4);
  header.writeUInt16LE(REQUEST | CREATE | EXCLUSIVE, 6);
  return Buffer.concat([header, body]);
}

const { symbols } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
});
const read = (name: string): number => Number(readFileSync(`/proc/sys/net/netfilter/${name}`, "utf8"));
const most = read("nf_conntrack_max");
const fd = symbols.socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
const refusals = new Uint8Array(new ArrayBuffer(64 * 1024));
// Some meet a chain of the hash table that is too long: a few more than there is room for are tried.
for (let number = 0; number < 2 * most && read("nf_conntrack_count") < most; number += BATCH) {
  const batch = Buffer.concat(Array.from({ length: BATCH }, (_, index) => connection(number + index)));
  if (symbols.send(fd, ptr(batch), batch.length, 0) < 0) throw new Error("Cannot fill the connection-tracking table");
  while (symbols.recv(fd, ptr(refusals), refusals.length, MSG_DONTWAIT) > 0);
}
console.log(`${read("nf_conntrack_count")} ${most}`);
