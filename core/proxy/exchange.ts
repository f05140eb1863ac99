import type { Duplex } from "node:stream";
import type { Parser } from "./parsed.ts";

/** How long to wait, and until when at all. */
export interface Patience {
  /** Milliseconds for the whole of a phase, however its bytes drip in. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type Failure = "closed" | "silent" | "too-long" | "foreign" | "stopped";

export type Exchanged<T> =
  /** `isFollowed`: more came along with it. */
  | { readonly state: "done"; readonly value: T; readonly isFollowed: boolean }
  /** `begins`: what was received, at most 64 octets. */
  | { readonly state: Failure; readonly begins: Uint8Array };

/** Octets of an answer, interim answers of HTTP included; proxies send some hundred. */
const LONGEST_ANSWER = 65_536;
const SHOWN = 64;

/** Sends a request, and reads until the parser is content, the other end closes, or patience ends. Never rejects. */
export function exchange<T>(
  socket: Duplex,
  request: Uint8Array,
  parse: Parser<T>,
  { timeoutMs, signal }: Patience,
): Promise<Exchanged<T>> {
  return new Promise((resolve) => {
    const received = new Uint8Array(LONGEST_ANSWER);
    let length = 0;
    const end = (result: Exchanged<T>): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket.off("data", take).off("end", close).off("close", close).off("error", close);
      socket.pause();
      resolve(result);
    };
    const fail = (state: Failure): void => end({ state, begins: received.slice(0, Math.min(length, SHOWN)) });
    const close = (): void => fail("closed");
    const stop = (): void => fail("stopped");
    const take = (chunk: Uint8Array): void => {
      const room = LONGEST_ANSWER - length;
      received.set(chunk.subarray(0, room), length);
      length += Math.min(chunk.length, room);
      const parsed = parse(received.subarray(0, length));
      if (parsed.state === "done") {
        end({ state: "done", value: parsed.value, isFollowed: length > parsed.length || chunk.length > room });
      } else if (parsed.state === "foreign") fail("foreign");
      else if (length === LONGEST_ANSWER) fail("too-long");
    };
    const timer = setTimeout(() => fail("silent"), timeoutMs);
    signal.addEventListener("abort", stop);
    socket.on("data", take).on("end", close).on("close", close).on("error", close);
    if (signal.aborted) stop();
    else if (socket.destroyed || socket.readableEnded) close();
    else {
      socket.write(request);
      socket.resume();
    }
  });
}
