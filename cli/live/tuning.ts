/** What keys change of the measuring; for all targets alike. */
export interface Tuning {
  /** Milliseconds. */
  readonly intervalMs: number;
  readonly firstHop: number;
  readonly maxHop: number;
  /** Silent hops behind the last answer after which a round ends. */
  readonly maxUnknown: number;
  /** Octets of the whole packet; undefined: as small as it can be. */
  readonly packetSize: number | undefined;
  /** The octet that the payload is filled with; undefined: zeros. */
  readonly fill: number | "random" | undefined;
  /** 0-255; undefined: the system's. */
  readonly trafficClass: number | undefined;
}
