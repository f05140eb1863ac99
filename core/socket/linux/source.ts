import type { Arrival } from "../../network.ts";

/** What one read of a queue gave: an arrival, something that is none, or the news that the queue is empty. */
export type ReadResult = Arrival | "ignored" | "empty";

/** A descriptor that arrivals are read from. */
export interface Source {
  readonly fd: number;
  /** The POLL_ events to ask for now. */
  readonly events: number;
  /** False while nothing is to be read from it: it is not polled. */
  readonly active: boolean;
  /** Read after all others, so that a socket's own copy of a packet comes before the tap's. */
  readonly last: boolean;
  /** The kernel stamps what comes, so that it loses nothing by waiting to be read. */
  readonly stamped?: boolean;
  /** One message of the error queue; for a connection whatever is next. */
  readErrors(): ReadResult;
  /** Has the departures that are already stamped told before anything else. */
  tellDepartures?(): void;
  /** One packet. */
  readPackets(): ReadResult;
  /** The monotonic times, milliseconds, at which the queues were last known to be empty. */
  errorsQuietAtMs: number;
  packetsQuietAtMs: number;
}

/**
 * How long a packet may be under way from its stamp to its queue, milliseconds: it is stamped when the driver's
 * interrupt hands it over, and queued when the soft interrupt gets to it.
 */
export const QUEUEING_MS = 10;

/** A copy of an arrival that outlives the next read. */
export function keep(arrival: Arrival): Arrival {
  switch (arrival.kind) {
    case "packet":
    case "data":
      return { ...arrival, bytes: arrival.bytes.slice() };
    case "error":
      return { ...arrival, quoted: arrival.quoted.slice(), extensions: arrival.extensions.slice() };
    default:
      return arrival;
  }
}
