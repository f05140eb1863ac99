import type { SocketError } from "../errors.ts";

/**
 * When a refused send is the host's policy and not an accident. A rule may drop one packet in three, and a full
 * connection-tracking table refuses now and then, with the same EPERM as a rule that drops all: only persistence tells.
 * Eight tries within about ten milliseconds: a rule that drops one in three passes for a policy once in 6,561 traces.
 */
export interface Refusal {
  /** A send was refused. `final`: the probe is given up. Else: try again at `retryAtMs`. */
  refused(error: SocketError, nowMs: number): { readonly final: boolean; readonly retryAtMs: number };
  accepted(): void;
  /** A send was refused and none was accepted since. */
  readonly suspected: boolean;
  /** Sends refused so far. */
  readonly count: number;
}

const TRIES = 8;
const RETRY_MS = 1;
/** A full queue empties within a few milliseconds; these tries span about 60 ms. */
const CONGESTION_RETRY_MS = 8;

/** Errors that say the same every time: routes do not change in milliseconds. */
const SETTLED = new Set([
  "EACCES",
  "EINVAL",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EADDRNOTAVAIL",
  "EMSGSIZE",
  "EAFNOSUPPORT",
  "EPROTONOSUPPORT",
]);
const CONGESTION = new Set(["ENOBUFS", "EAGAIN", "ENOMEM", "EMFILE", "ENFILE"]);

export function createRefusal(): Refusal {
  let tries = 0;
  let count = 0;
  return {
    refused(error, nowMs) {
      tries += 1;
      count += 1;
      const errno = error.errno ?? "";
      const final = SETTLED.has(errno) || tries >= TRIES;
      if (final) tries = 0;
      return { final, retryAtMs: nowMs + (CONGESTION.has(errno) ? CONGESTION_RETRY_MS : RETRY_MS) };
    },
    accepted() {
      tries = 0;
    },
    get suspected() {
      return tries > 0;
    },
    get count() {
      return count;
    },
  };
}
