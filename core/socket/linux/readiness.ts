import type { Libc } from "../../ffi/libc.ts";
import type { Arrival } from "../../network.ts";
import { POLL } from "./abi.ts";
import type { Arena, Region } from "./arena.ts";
import type { ReadResult, Source } from "./source.ts";

/** As many descriptors as one network may watch; the usual limit of a process is 1024. */
export const MAX_SOURCES = 4096;
/** Octets of struct pollfd. */
const ENTRY = 8;
/** After so many reads of one queue the others get their turn. */
const READS_IN_A_ROW = 64;

/** What of a kernel is needed to poll its descriptors: poll(2) is the same on Linux and macOS. */
interface Pollable {
  readonly libc: Pick<Libc, "poll">;
  readonly arena: Arena;
  readonly clock: { nowMs(): number };
}

/** A queue that had something when it was last asked. */
interface Queue {
  readonly read: () => ReadResult;
  left: number;
}

/** Knows which of a network's queues are to be read next. */
export class Readiness {
  readonly #kernel: Pollable;
  readonly #table: Region;
  readonly #sources = new Set<Source>();
  #polled: Source[] = [];
  #queues: Queue[] = [];
  #polledAtMs = 0;

  constructor(kernel: Pollable) {
    this.#kernel = kernel;
    this.#table = kernel.arena.take(ENTRY * MAX_SOURCES);
  }

  get count(): number {
    return this.#sources.size;
  }

  get sources(): Iterable<Source> {
    return this.#sources;
  }

  add(source: Source): void {
    this.#sources.add(source);
  }

  delete(source: Source): void {
    this.#sources.delete(source);
    // A queue of a closed descriptor must not be read: its number may be another's by now.
    this.#queues = [];
  }

  /**
   * Tells departures first where an arrival is younger than the last poll: its probe may have left since, and an answer
   * whose departure is not known has no exact RTT.
   */
  tellDepartures(arrival: Arrival): void {
    if (arrival.kind !== "packet" || arrival.atMs < this.#polledAtMs) return;
    for (const source of this.#sources) source.tellDepartures?.();
  }

  /** Reads one message of one queue that has any, asking the kernel when none is known; "empty" if nothing is there. */
  read(): ReadResult {
    if (this.#queues.length === 0 && !this.#poll()) return "empty";
    const queue = this.#queues[0];
    if (queue === undefined) return "empty";
    const result = queue.read();
    queue.left--;
    // The read may have closed sockets and with them all queues.
    if ((result === "empty" || queue.left === 0) && this.#queues[0] === queue) this.#queues.shift();
    return result === "empty" ? "ignored" : result;
  }

  /** One poll(2) without waiting. Whether there is anything to read. */
  #poll(): boolean {
    const { libc, clock } = this.#kernel;
    const { view, bytes } = this.#table;
    this.#polled = [];
    for (const source of this.#sources) {
      if (!source.active) continue;
      const at = ENTRY * this.#polled.length;
      view.setInt32(at, source.fd, true);
      view.setUint16(at + 4, source.events, true);
      view.setUint16(at + 6, 0, true);
      this.#polled.push(source);
    }
    const nowMs = clock.nowMs();
    this.#polledAtMs = nowMs;
    if (this.#polled.length === 0 || libc.poll(bytes, this.#polled.length, 0) < 0) return false;
    const errors: Queue[] = [];
    const packets: Queue[] = [];
    const tapped: Queue[] = [];
    this.#polled.forEach((source, i) => {
      const events = view.getUint16(ENTRY * i + 6, true);
      // Errors first: departures are among them, and should be known before what answers them.
      if ((events & (POLL.err | POLL.hup)) === 0) source.errorsQuietAtMs = nowMs;
      else errors.push({ read: () => source.readErrors(), left: READS_IN_A_ROW });
      if ((events & source.events) === 0) source.packetsQuietAtMs = nowMs;
      else (source.last ? tapped : packets).push({ read: () => source.readPackets(), left: READS_IN_A_ROW });
    });
    this.#queues = [...errors, ...packets, ...tapped];
    return this.#queues.length > 0;
  }
}
