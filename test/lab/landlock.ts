/**
 * Runs a program under a Landlock rule set that lets no TCP connection begin: `landlock.ts PROGRAM ARGS…`. It needs no
 * privilege (landlock(7), linux/landlock.h; Linux 6.7). Run by Bun.
 */
import { dlopen, ptr } from "bun:ffi";

const [CREATE_RULESET, RESTRICT_SELF] = [444, 446];
const CONNECT_TCP = 2n;
const PR_SET_NO_NEW_PRIVS = 38;

const { symbols } = dlopen("libc.so.6", {
  syscall: { args: ["i64", "u64", "u64", "u64"], returns: "i64" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  execv: { args: ["ptr", "ptr"], returns: "i32" },
});

/** struct landlock_ruleset_attr: what of the file system, and what of the network, is forbidden but for rules. */
const attr = new BigUint64Array(new ArrayBuffer(16));
attr[1] = CONNECT_TCP;
const rules = symbols.syscall(CREATE_RULESET, ptr(attr), attr.byteLength, 0);
if (rules < 0n) throw new Error("Cannot make a Landlock rule set for TCP: this kernel has none");
if (symbols.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error("Cannot set no-new-privs");
if (symbols.syscall(RESTRICT_SELF, rules, 0, 0) !== 0n) throw new Error("Cannot restrict this process");

const words = process.argv.slice(2).map((word) => new TextEncoder().encode(`${word}\0`));
const argv = new BigUint64Array(words.length + 1);
words.forEach((word, index) => {
  argv[index] = BigInt(ptr(word));
});
symbols.execv(ptr(words[0] ?? new Uint8Array(1)), ptr(argv));
throw new Error(`Cannot start ${process.argv[2]}`);
