import type { Arrival, DepartureArrival } from "../network.ts";
import type { Probe, Reply } from "../probe.ts";
import { createQueue } from "./queue.ts";
import type { Slot } from "./schedule.ts";

/** A probe that left, for as long as something can still answer it. */
export interface Flight {
  readonly probe: Probe;
  readonly slot: Slot;
  sentAtMs: number;
  state: "flight" | "answered" | "lost" | "failed";
  /** Its first answer, where that is not its reply yet. */
  provisional?: Provisional;
}

export interface Provisional {
  readonly first: Exclude<Arrival, DepartureArrival>;
  readonly latest: Reply;
}

/** The probes of a trace by sequence, of which the settled ones are forgotten after a while: a trace may never end. */
export interface Flights {
  /** A sequence that no probe in flight bears; counts up and wraps. */
  takeSequence(): number;
  add(flight: Flight): void;
  find(sequence: number): Flight | undefined;
  /** The probe in flight of a slot. */
  ofSlot(slot: Slot): Flight | undefined;
  settle(flight: Flight, state: "answered" | "lost" | "failed"): void;
  inFlight(): Iterable<Flight>;
  /** How many probes something is still known of. */
  readonly size: number;
}

/** Whatever a router holds back comes within seconds; this is ample. */
const MEMORY_MS = 60_000;
/** A quarter of the sequence numbers: a forgotten number is not used again before long. */
const MOST_SETTLED = 16_384;

export function createFlights(firstSequence: number): Flights {
  const bySequence = new Map<number, Flight>();
  const inOrder = createQueue<Flight>();
  const bySlot = new Map<Slot, Flight>();
  let next = firstSequence & 0xffff;

  const forget = (nowMs: number): void => {
    for (let flight = inOrder.first; flight !== undefined; flight = inOrder.first) {
      const isOld = flight.sentAtMs < nowMs - MEMORY_MS || inOrder.size - bySlot.size > MOST_SETTLED;
      if (flight.state === "flight" || !isOld) return;
      inOrder.shift();
      const { sequence } = flight.probe;
      if (bySequence.get(sequence) === flight) bySequence.delete(sequence);
    }
  };

  return {
    takeSequence() {
      while (bySlot.size < 0x10000 && bySequence.get(next)?.state === "flight") next = (next + 1) & 0xffff;
      const taken = next;
      next = (next + 1) & 0xffff;
      return taken;
    },
    add(flight) {
      forget(flight.sentAtMs);
      inOrder.push(flight);
      bySequence.set(flight.probe.sequence, flight);
      bySlot.set(flight.slot, flight);
    },
    find: (sequence) => bySequence.get(sequence),
    ofSlot: (slot) => bySlot.get(slot),
    settle(flight, state) {
      flight.state = state;
      bySlot.delete(flight.slot);
    },
    inFlight: () => bySlot.values(),
    get size() {
      return inOrder.size;
    },
  };
}
