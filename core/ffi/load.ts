import type { Credentials, DarwinLibc, LinuxLibc, Memory } from "./libc.ts";
import type { Winapi } from "./winapi.ts";

/**
 * The C library of the runtime that this is; of the three files only its own is loaded. Rejects with an Error where
 * the runtime cannot call it.
 */
export async function loadLibc(): Promise<LinuxLibc> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).openLibc();
  if ("Deno" in globalThis) return (await import("./deno.ts")).openLibc();
  return (await import("./node.ts")).openLibc();
}

/** macOS' library, likewise. */
export async function loadDarwinLibc(): Promise<DarwinLibc> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).openDarwinLibc();
  if ("Deno" in globalThis) return (await import("./deno.ts")).openDarwinLibc();
  return (await import("./node.ts")).openDarwinLibc();
}

/** Linux' calls to give rights away, by Bun. Rejects with an Error on other runtimes. */
export async function loadCredentials(): Promise<Credentials> {
  if (!("Bun" in globalThis)) throw new Error("only the executable and Bun can");
  return (await import("./bun.ts")).openCredentials();
}

/** Linux' calls about this process's memory, by Bun. Rejects with an Error on other runtimes. */
export async function loadMemory(): Promise<Memory> {
  if (!("Bun" in globalThis)) throw new Error("only the executable and Bun can");
  return (await import("./bun.ts")).openMemory();
}

/** Windows, called by Bun. Rejects with an Error on other runtimes, and where Windows lacks what is asked of it. */
export async function loadWinapi(systemRoot: string): Promise<Winapi> {
  if (!("Bun" in globalThis)) throw new Error("on Windows only the executable and Bun can");
  return (await import("./bun-windows.ts")).openWinapi(systemRoot);
}
