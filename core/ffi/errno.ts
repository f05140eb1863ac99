import { constants } from "node:os";

/** Linux numbers that `os.constants.errno` leaves out (asm-generic/errno.h). */
const LINUX_ONLY: Readonly<Record<string, number>> = { ENONET: 64, ESHUTDOWN: 108, EHOSTDOWN: 112 };

/** Second names of numbers that have a better known one. */
const SYNONYMS: ReadonlySet<string> = new Set(["EWOULDBLOCK", "ENOTSUP"]);

let names: ReadonlyMap<number, string> | undefined;

/** The symbolic name of an error number (`"EPERM"`), or `"errno 999"` where it has none. */
export function errnoName(errno: number): string {
  names ??= readNames();
  return names.get(errno) ?? `errno ${errno}`;
}

/** Only where something is refused. */
function readNames(): ReadonlyMap<number, string> {
  return new Map(
    [...Object.entries(LINUX_ONLY), ...Object.entries(constants.errno)]
      .filter(([name]) => !SYNONYMS.has(name))
      .map(([name, number]) => [number, name]),
  );
}
