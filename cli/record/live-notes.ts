import type { PluginError, SocketError } from "../../core/mod.ts";
import type { Phase } from "../live/state.ts";
import { readError } from "./decode.ts";
import { FieldError, type Fields, number, text, whole, word } from "./fields.ts";

/** What only a recording of `live` tells, beside the events of its attempts. */
export type LiveNote =
  | { readonly type: "phase"; readonly target: number; readonly phase: Phase }
  | { readonly type: "opened"; readonly attempt: number; readonly mode: string }
  | { readonly type: "refused"; readonly attempt: number; readonly error: SocketError | PluginError }
  | { readonly type: "reset"; readonly attempt: number }
  | { readonly type: "tuned"; readonly intervalMs: number; readonly firstHop: number; readonly maxHop: number };

const PHASES: readonly Phase["type"][] = ["searching", "measuring", "stuck", "finished"];
/** A ladder that nothing gets through is climbed again every few seconds. */
const MAX_ATTEMPTS = 1_000_000;

/** Undefined for lines of other types. Throws FieldError. */
export function readLiveNote(fields: Fields, targets: number): LiveNote | undefined {
  const type = text(fields, "type");
  const attempt = (): number => whole(fields, "attempt", MAX_ATTEMPTS);
  switch (type) {
    case "phase": {
      const target = whole(fields, "target", targets - 1);
      const phase = word(fields, "phase", PHASES);
      return { type, target, phase: phase === "stuck" ? { type: phase, why: text(fields, "why") } : { type: phase } };
    }
    case "opened":
      return { type, attempt: attempt(), mode: text(fields, "mode") };
    case "refused":
      return { type, attempt: attempt(), error: readError(fields["error"]) };
    case "reset":
      return { type, attempt: attempt() };
    case "tuned": {
      const intervalMs = number(fields, "interval_ms");
      if (intervalMs <= 0) throw new FieldError('"interval_ms" is no time');
      return { type, intervalMs, firstHop: whole(fields, "first_hop", 255), maxHop: whole(fields, "max_hop", 255) };
    }
    default:
      return undefined;
  }
}
