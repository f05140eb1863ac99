import type { IpAddress } from "../address.ts";

/** What is asked whether it is let out. */
export type EgressProtocol = "icmp" | "udp" | "tcp";

/**
 * What this host did with a probe: `out` it left; `refused` this host kept it back; `unknown` neither was seen. Silence
 * alone is never `out`, and never `refused`.
 */
export type EgressState = "out" | "refused" | "unknown";

/** One protocol and port, and what is known of it. */
export interface EgressFinding {
  readonly protocol: EgressProtocol;
  /** Null for ICMP. */
  readonly port: number | null;
  readonly state: EgressState;
  /** `answered` by a router or the target; `departed` the kernel's stamp of its leaving; `errno`; `local-reject`; `counter`. */
  readonly evidence: "answered" | "departed" | "errno" | "local-reject" | "counter" | "silence";
  /** The errno's name, where there is one. */
  readonly errno: string | null;
  /** Who answered, where somebody did. */
  readonly answeredBy: IpAddress | null;
}

/** A name for a protocol and port, unique among the findings. */
export const keyOf = ({ protocol, port }: Pick<EgressFinding, "protocol" | "port">): string => `${protocol}:${port}`;
