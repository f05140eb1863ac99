/**
 * Runs a program under a seccomp filter, as containers do: `seccomp.ts raw|datagram|ipv6 PROGRAM ARGS…`. `raw` refuses raw and
 * packet sockets, `datagram` those and UDP and ping sockets, each with EPERM; `ipv6` all of IPv6 with EAFNOSUPPORT, as
 * systemd's RestrictAddressFamilies= does (seccomp(2), bpf instructions of linux/bpf_common.h). Run by Bun, of which only the calls to prctl and execv are used.
 */
import { dlopen, ptr } from "bun:ffi";

const NR_SOCKET = process.arch === "arm64" ? 198 : 41;
const [AF_INET6, AF_NETLINK, AF_PACKET, SOCK_DGRAM, SOCK_RAW, EPERM, EAFNOSUPPORT] = [10, 16, 17, 2, 3, 1, 97];
const [LOAD, JUMP_EQUAL, AND, RETURN] = [0x20, 0x15, 0x54, 0x06];
const ALLOW = 0x7fff_0000;
const REFUSE = 0x0005_0000;
const [PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER] = [38, 22, 2];

const [mode = "", program = "", ...rest] = process.argv.slice(2);
/** Each jump goes to the instruction after it, or to one of the last two: allow, refuse. */
type Filter = readonly (readonly [code: number, yes: number, no: number, k: number])[];
const types: Filter = [
  [LOAD, 0, 0, 0],
  [JUMP_EQUAL, 0, 7, NR_SOCKET],
  [LOAD, 0, 0, 16],
  [JUMP_EQUAL, 5, 0, AF_NETLINK],
  [JUMP_EQUAL, 5, 0, AF_PACKET],
  [LOAD, 0, 0, 24],
  [AND, 0, 0, 0xf],
  [JUMP_EQUAL, 2, 0, SOCK_RAW],
  [JUMP_EQUAL, mode === "datagram" ? 1 : 0, 0, SOCK_DGRAM],
  [RETURN, 0, 0, ALLOW],
  [RETURN, 0, 0, REFUSE | EPERM],
];
const family: Filter = [
  [LOAD, 0, 0, 0],
  [JUMP_EQUAL, 0, 2, NR_SOCKET],
  [LOAD, 0, 0, 16],
  [JUMP_EQUAL, 1, 0, AF_INET6],
  [RETURN, 0, 0, ALLOW],
  [RETURN, 0, 0, REFUSE | EAFNOSUPPORT],
];
const filter = mode === "ipv6" ? family : types;
const instructions = new DataView(new ArrayBuffer(8 * filter.length));
filter.forEach(([code, yes, no, k], index) => {
  instructions.setUint16(8 * index, code, true);
  instructions.setUint8(8 * index + 2, yes);
  instructions.setUint8(8 * index + 3, no);
  instructions.setUint32(8 * index + 4, k, true);
});
const fprog = new DataView(new ArrayBuffer(16));
fprog.setUint16(0, filter.length, true);
fprog.setBigUint64(8, BigInt(ptr(instructions.buffer)), true);

const words = [program, ...rest].map((word) => new TextEncoder().encode(`${word}\0`));
const argv = new BigUint64Array(words.length + 1);
words.forEach((word, index) => {
  argv[index] = BigInt(ptr(word));
});

const { symbols } = dlopen("libc.so.6", {
  prctl: { args: ["i32", "u64", "ptr", "u64", "u64"], returns: "i32" },
  execv: { args: ["ptr", "ptr"], returns: "i32" },
});
const path = words[0] ?? new Uint8Array(1);
if (symbols.prctl(PR_SET_NO_NEW_PRIVS, 1, null, 0, 0) !== 0) throw new Error("Cannot set no-new-privs");
if (symbols.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ptr(fprog.buffer), 0, 0) !== 0) throw new Error("Cannot filter");
symbols.execv(ptr(path), ptr(argv));
throw new Error(`Cannot start ${program}`);
