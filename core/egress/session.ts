import type { Arrival, ProbeSocket } from "../network.ts";
import type { EgressFinding } from "./finding.ts";

/** One port of one protocol to be tried. */
export interface Shot {
  readonly port: number;
  /** Unique among the shots of a session; the tag of its departure. */
  readonly tag: number;
}

/** What an arrival says of a shot. */
export interface Sight {
  readonly tag: number;
  readonly state: "out" | "refused";
  readonly evidence: EgressFinding["evidence"];
  readonly answeredBy: EgressFinding["answeredBy"];
}

/** How one protocol is sent and its answers recognised. */
export interface EgressSession extends Disposable {
  /** How many shots may be under way at once. */
  readonly atOnce: number;
  /** A refusal without an errno shows in the kernel's counter of retransmissions, so long after the shot; absent: never. */
  readonly counterAtMs?: number;
  /** Throws SocketError where the host refuses. */
  send(shot: Shot): void;
  /** Undefined for what is none of its business. */
  read(arrival: Arrival): Sight | undefined;
  /** The shot is over. */
  forget(shot: Shot): void;
  owns(socket: ProbeSocket): boolean;
}
