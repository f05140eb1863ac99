import type { Libc } from "./libc.ts";

/**
 * The C library of the runtime that this is; of the three files only its own is loaded. Rejects with an Error where
 * the runtime cannot call it.
 */
export async function loadLibc(): Promise<Libc> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).openLibc();
  if ("Deno" in globalThis) return (await import("./deno.ts")).openLibc();
  return (await import("./node.ts")).openLibc();
}
