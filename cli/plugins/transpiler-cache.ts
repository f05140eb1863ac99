import { dlopen, ptr } from "bun:ffi";

const SETENV = { setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" } } as const;
const LIBRARIES: Readonly<Record<string, string>> = { linux: "libc.so.6", darwin: "/usr/lib/libSystem.B.dylib" };

/**
 * Keeps what the runtime makes of a large plugin out of its cache. The cache is in a folder that the environment names
 * ($XDG_CACHE_HOME, $HOME), and its files are run without a look at who wrote them, which would make the trust in the
 * plugin's own file worthless to root under another user's environment. The runtime reads its switch from the C library's
 * environment, once, when it first loads a file; an assignment to `process.env` does not reach that. Throws an Error where
 * the C library cannot be called.
 */
export function forgetTranspilerCache(): void {
  const library = LIBRARIES[process.platform];
  // Windows has neither sudo nor setenv.
  if (library === undefined) return;
  const { symbols } = dlopen(library, SETENV);
  // One buffer of its own: small typed arrays may move.
  const arena = new ArrayBuffer(64);
  const name = "BUN_RUNTIME_TRANSPILER_CACHE_PATH\0";
  new TextEncoder().encodeInto(`${name}0\0`, new Uint8Array(arena));
  const isSet = symbols.setenv(ptr(arena), ptr(arena, name.length), 1) === 0;
  if (!isSet) throw new Error("Cannot switch the runtime's cache off: no memory");
}
