/**
 * Runs a program in a cgroup of version 2 of its own that a BPF program watches, as systemd's IPAddressDeny=, Cilium and
 * others do: `cgroup-filter.ts FILTER DIRECTORY PROGRAM ARGS…`. DIRECTORY is the cgroup to make, below a mounted cgroup2;
 * who calls removes it, and the filter with it. The programs are loaded by bpf(2) from the instructions below
 * (linux/bpf.h). Run by Bun, as root of the first user namespace.
 */
import { dlopen, ptr } from "bun:ffi";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NR_BPF = process.arch === "arm64" ? 280 : 321;
const [PROG_LOAD, PROG_ATTACH] = [5, 8];
const ATTR_SPACE = 128;
const EACCES = 13;

/** struct bpf_insn: code, destination and source register, offset, immediate. */
type Instruction = readonly [code: number, to: number, from: number, offset: number, value: number];

const EXIT: Instruction = [0x95, 0, 0, 0, 0];
const returning = (value: number): readonly Instruction[] => [[0xb7, 0, 0, 0, value], EXIT];

/** Lets TCP through, and no other protocol: `data` and `data_end` are at 76 and 80 of struct __sk_buff. */
const ONLY_TCP: readonly Instruction[] = [
  [0x61, 2, 1, 76, 0],
  [0x61, 3, 1, 80, 0],
  [0xb7, 0, 0, 0, 1],
  [0xbf, 4, 2, 0, 0],
  [0x07, 4, 0, 0, 10],
  [0x2d, 4, 3, 9, 0], // shorter than ten octets: passes
  [0x71, 5, 2, 0, 0],
  [0x77, 5, 0, 0, 4],
  [0x71, 4, 2, 9, 0], // IPv4's protocol
  [0x15, 5, 0, 1, 4],
  [0x71, 4, 2, 6, 0], // IPv6's next header
  [0x15, 4, 0, 3, 6],
  [0x15, 4, 0, 2, 0], // hop-by-hop options: multicast listener reports
  [0xb7, 0, 0, 0, 0],
  EXIT,
  EXIT,
];

interface Filter {
  readonly instructions: readonly Instruction[];
  /** enum bpf_prog_type. */
  readonly program: number;
  /** enum bpf_attach_type. */
  readonly hooks: readonly number[];
  /** The security hook that a BPF_LSM_CGROUP program stands at. */
  readonly lsmHook?: string;
}

const FILTERS: Readonly<Record<string, Filter>> = {
  "egress-but-tcp": { instructions: ONLY_TCP, program: 8, hooks: [1] },
  egress: { instructions: returning(0), program: 8, hooks: [1] },
  socket: { instructions: returning(0), program: 9, hooks: [2] },
  sendmsg: { instructions: returning(0), program: 18, hooks: [14, 15] },
  connect: { instructions: returning(0), program: 18, hooks: [10, 11] },
  // bpf_set_retval(-EACCES), as a security module refuses. Of socket_create's arguments the first is the family, and the
  // runtime's own sockets (AF_UNIX is 1) pass; the second is the type.
  "security-module": {
    instructions: [
      [0x79, 2, 1, 8, 0],
      [0xb7, 0, 0, 0, 1],
      [0x57, 2, 0, 0, 0xf],
      [0x55, 2, 0, 3, 3], // no SOCK_RAW
      [0xb7, 1, 0, 0, -EACCES],
      [0x85, 0, 0, 0, 187],
      [0xb7, 0, 0, 0, 0],
      EXIT,
    ],
    program: 29,
    hooks: [43],
    lsmHook: "bpf_lsm_socket_create",
  },
};

const { symbols } = dlopen("libc.so.6", {
  syscall: { args: ["i64", "i64", "ptr", "i64"], returns: "i64" },
  execv: { args: ["ptr", "ptr"], returns: "i32" },
});

const [name = "", directory = "", program = "", ...rest] = process.argv.slice(2);
const filter = FILTERS[name];
if (filter === undefined) throw new Error(`Cannot filter by ${name}: there are ${Object.keys(FILTERS).join(", ")}`);
mkdirSync(directory);
const cgroup = openSync(directory, "r");
for (const hook of filter.hooks) attach(load(filter, hook), hook);
writeFileSync(join(directory, "cgroup.procs"), String(process.pid));
start([program, ...rest]);

function load({ instructions, program: type, lsmHook }: Filter, hook: number): number {
  const code = new DataView(new ArrayBuffer(8 * instructions.length));
  instructions.forEach(([operation, to, from, offset, value], index) => {
    code.setUint8(8 * index, operation);
    code.setUint8(8 * index + 1, (from << 4) | to);
    code.setInt16(8 * index + 2, offset, true);
    code.setInt32(8 * index + 4, value, true);
  });
  const license = Buffer.from("GPL\0");
  const log = new Uint8Array(new ArrayBuffer(64 * 1024));
  const attr = new DataView(new ArrayBuffer(ATTR_SPACE));
  attr.setUint32(0, type, true);
  attr.setUint32(4, instructions.length, true);
  attr.setBigUint64(8, BigInt(ptr(code.buffer)), true);
  attr.setBigUint64(16, BigInt(ptr(license)), true);
  attr.setUint32(24, 1, true);
  attr.setUint32(28, log.length, true);
  attr.setBigUint64(32, BigInt(ptr(log)), true);
  attr.setUint32(68, hook, true);
  if (lsmHook !== undefined) attr.setUint32(108, typeIdOf(lsmHook), true);
  const fd = Number(symbols.syscall(NR_BPF, PROG_LOAD, ptr(attr.buffer), ATTR_SPACE));
  if (fd < 0) throw new Error(`Cannot load the ${name} filter: ${Buffer.from(log).toString("latin1").split("\0")[0]}`);
  return fd;
}

function attach(fd: number, hook: number): void {
  const attr = new DataView(new ArrayBuffer(ATTR_SPACE));
  attr.setUint32(0, cgroup, true);
  attr.setUint32(4, fd, true);
  attr.setUint32(8, hook, true);
  if (Number(symbols.syscall(NR_BPF, PROG_ATTACH, ptr(attr.buffer), ATTR_SPACE)) !== 0) {
    throw new Error(`Cannot attach the ${name} filter to ${directory}`);
  }
}

/** The number of a function in the kernel's own type information (docs.kernel.org/bpf/btf.html). */
function typeIdOf(wanted: string): number {
  const btf = readFileSync("/sys/kernel/btf/vmlinux");
  const at = btf.readUInt32LE(4);
  const [typesAt, typesLength] = [at + btf.readUInt32LE(8), btf.readUInt32LE(12)];
  const stringsAt = at + btf.readUInt32LE(16);
  /** What follows the twelve octets of a type, by its kind; where each of `n` members follows, `n` times that. */
  const fixed: Readonly<Record<number, number>> = { 1: 4, 3: 12, 14: 4, 17: 4 };
  const each: Readonly<Record<number, number>> = { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 };
  const FUNCTION = 12;
  for (let next = typesAt, id = 1; next < typesAt + typesLength; id += 1) {
    const info = btf.readUInt32LE(next + 4);
    const kind = (info >>> 24) & 0x1f;
    if (kind === FUNCTION) {
      const text = stringsAt + btf.readUInt32LE(next);
      if (btf.toString("latin1", text, btf.indexOf(0, text)) === wanted) return id;
    }
    next += 12 + (fixed[kind] ?? 0) + (each[kind] ?? 0) * (info & 0xffff);
  }
  throw new Error(`Cannot stand at ${wanted}: this kernel has none`);
}

function start(argv: readonly string[]): never {
  const words = argv.map((word) => new TextEncoder().encode(`${word}\0`));
  const pointers = new BigUint64Array(words.length + 1);
  words.forEach((word, index) => {
    pointers[index] = BigInt(ptr(word));
  });
  symbols.execv(ptr(words[0] ?? new Uint8Array(1)), ptr(pointers));
  throw new Error(`Cannot start ${argv[0]}`);
}
