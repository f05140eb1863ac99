/**
 * The runtime inside the executable obeys variables of the environment that run code: BUN_OPTIONS (`--preload`),
 * BUN_BE_BUN (become the Bun command line), BUN_INSPECT… (a debugger that anyone may connect to) and BUN_JSC_…
 * (`functionOverrides` replaces functions by those of a file); BUN_BYTECODE_…_OUT empty a file of any name. They are
 * closed here, in the bytes of the runtime, before it becomes an executable. Each place must be found exactly as often as expected: a runtime that looks different
 * fails the build instead of leaving a door open.
 */
import type { Target } from "./targets.ts";

/** Read by getenv(3), each from one C string. */
const NAMES = [
  "BUN_OPTIONS",
  "BUN_BE_BUN",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_PRELOAD",
  "BUN_BYTECODE_ORDER_OUT",
  "BUN_BYTECODE_DIGEST_OUT",
] as const;

/** BUN_OPTIONS stands once more at the head of a list of names without separators. */
const RUN_TOGETHER = "BUN_OPTIONSBUN_INSPECTBUN_INSPECT_CONNECT_TO";

const PREFIX = "BUN_JSC_";

/** A variable that the runtime would still obey, or of whose check nothing could be found. */
export type OpenDoor = (typeof NAMES)[number] | "BUN_JSC_*";

/** Changes the bytes. Throws an Error where a place is not found, or found more often than it should be. */
export function closeDoors(bytes: Buffer, arch: Target["arch"]): void {
  // As the empty string it is the name of no variable.
  for (const name of NAMES) bytes[only(allOf(bytes, `${name}\0`), name)] = 0;
  bytes[only(allOf(bytes, RUN_TOGETHER), RUN_TOGETHER)] = 0;
  closePrefix(bytes, only(findPrefixChecks(bytes, arch), `${PREFIX}*`), arch);
  const open = openDoors(bytes, arch);
  if (open.length > 0) throw new Error(`Cannot close ${open.join(", ")} in the runtime: it is still there`);
}

/** What is not closed in a runtime or an executable. */
export function openDoors(bytes: Buffer, arch: Target["arch"]): readonly OpenDoor[] {
  const named = NAMES.filter((name) => allOf(bytes, `${name}\0`).length > 0);
  const anywhere = (["BUN_OPTIONS", "BUN_BE_BUN"] as const).filter((name) => bytes.includes(name));
  const prefix = findPrefixChecks(bytes, arch).length > 0 ? (["BUN_JSC_*"] as const) : [];
  return [...new Set<OpenDoor>([...named, ...anywhere, ...prefix])];
}

function only(found: readonly number[], what: string): number {
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  throw new Error(`Cannot close ${what} in the runtime: expected in one place, found in ${found.length}`);
}

function allOf(bytes: Buffer, text: string): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(text, 0, "latin1"); at >= 0; at = bytes.indexOf(text, at + 1, "latin1")) found.push(at);
  return found;
}

/**
 * The prefix is no string in the runtime: the loop over the environment compares letter by letter, as eight pairs of a
 * comparison and a jump to the next variable. Where the first of the pairs begins.
 */
function findPrefixChecks(bytes: Buffer, arch: Target["arch"]): number[] {
  return arch === "x64" ? findX64(bytes) : findArm64(bytes);
}

/** Makes the first jump unconditional: no variable gets past it. */
function closePrefix(bytes: Buffer, at: number, arch: Target["arch"]): void {
  if (arch === "x64") {
    // jne rel8 (75) becomes jmp rel8 (EB), behind the three or four bytes of the comparison.
    bytes[bytes.indexOf(JNE, at)] = 0xeb;
  } else {
    // b.ne (imm19) becomes b (imm26), in the word behind the comparison; both count in words from themselves.
    const words = (bytes.readInt32LE(at + 4) << 8) >> 13;
    bytes.writeUInt32LE(0x1400_0000 | (words & 0x03ff_ffff), at + 4);
  }
}

const JNE = 0x75;

/** `[41] 80 3x 'B' 75 rel8`, then `[41] 80 7x disp8 letter 75 rel8` for each further letter: cmpb $letter, disp8(reg). */
function findX64(bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf("Bu"); at >= 0; at = bytes.indexOf("Bu", at + 1)) {
    const register = (bytes[at - 1] ?? 0) & 7;
    if (bytes[at - 2] !== 0x80 || ((bytes[at - 1] ?? 0) & 0xf8) !== 0x38) continue;
    if (followsX64(bytes, at + 3, register)) found.push(bytes[at - 3] === 0x41 ? at - 3 : at - 2);
  }
  return found;
}

function followsX64(bytes: Buffer, from: number, register: number): boolean {
  let at = from;
  for (let index = 1; index < PREFIX.length; index += 1) {
    if (bytes[at] === 0x41) at += 1;
    const [opcode, mode, displacement, letter] = bytes.subarray(at, at + 4);
    if (opcode !== 0x80 || mode !== (0x78 | register) || displacement !== index) return false;
    if (letter !== PREFIX.charCodeAt(index)) return false;
    // The last jump may be long, or the other way round.
    at += 6;
  }
  return true;
}

/** cmp wN, #letter (SUBS to the zero register), a jump, a load of the next letter… within five words of each other. */
function findArm64(bytes: Buffer): number[] {
  const length = Math.floor(bytes.length / 4);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, length);
  const found: number[] = [];
  const first = compareWord(PREFIX.charCodeAt(0));
  for (let index = 0; index < length; index += 1) {
    if (((words[index] ?? 0) & ANY_REGISTER) >>> 0 !== first || !followsArm64(words, index)) continue;
    if (((words[index + 1] ?? 0) & 0xff00_001f) >>> 0 === B_NE) found.push(index * 4);
  }
  return found;
}

const ANY_REGISTER = 0xffff_fc1f;
const B_NE = 0x5400_0001;
const compareWord = (letter: number): number => (0x7100_001f | (letter << 10)) >>> 0;

function followsArm64(words: Uint32Array, first: number): boolean {
  let at = first;
  for (let index = 1; index < PREFIX.length; index += 1) {
    const wanted = compareWord(PREFIX.charCodeAt(index));
    const step = words.subarray(at + 1, at + 6).findIndex((word) => (word & ANY_REGISTER) >>> 0 === wanted);
    if (step < 0) return false;
    at += 1 + step;
  }
  return true;
}
