import { readFileSync, readlinkSync } from "node:fs";
import { cleanStretches } from "./linux/program-text.ts";

/** asm-generic/mman-common.h */
const MADV_DONTNEED = 4;

/**
 * Lets go of what this process has mapped of its own executable and not written to: starting up touches most of a runtime,
 * going on very little of it. The pages stay the kernel's, in its cache of files, and what is still needed comes back from
 * there as it is touched. How many octets of address space that is; 0 where it cannot be done: Linux with Bun only.
 */
export async function releaseProgramText(): Promise<number> {
  if (process.platform !== "linux" || !("Bun" in globalThis)) return 0;
  const { loadMemory } = await import("../ffi/load.ts");
  try {
    const memory = await loadMemory();
    let released = 0;
    for (const { address, length } of cleanStretches(
      readFileSync("/proc/self/smaps", "utf8"),
      readlinkSync("/proc/self/exe"),
    )) {
      if (memory.madvise(address, length, MADV_DONTNEED) === 0) released += length;
    }
    return released;
  } catch {
    // No /proc, or no way to call the C library: what is not given back is not missed.
    return 0;
  }
}
