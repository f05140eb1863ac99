import {
  type Attempt,
  type AutoEvent,
  auto,
  type IpAddress,
  type Network,
  type ProbeOptions,
  type Rung,
  type TraceOptions,
} from "../../core/mod.ts";
import { attemptLabel } from "../render/attempt.ts";

export interface RungSearch {
  readonly target: IpAddress;
  readonly ladder: readonly Rung[];
  readonly probe?: ProbeOptions;
  /** Default: one probe a hop. */
  readonly trace?: Partial<TraceOptions>;
  /** Milliseconds; as in `auto`. */
  readonly staggerMs?: number;
  readonly signal?: AbortSignal;
  /** Something has happened to an attempt. */
  readonly onProgress?: (attempt: Attempt) => void;
  /** Every event, for a recording. */
  readonly onEvent?: (event: AutoEvent) => void;
}

export interface RungFound {
  /** The first rung that reached the target; undefined: none did. */
  readonly rung: Rung | undefined;
  /** Its attempt; where none reached the target, that which saw farthest. */
  readonly winner: Attempt | undefined;
  /** All that were tried, in order, each with its verdict. */
  readonly attempts: readonly Attempt[];
}

/** Climbs the ladder by one quick trace. Throws UsageError where an option is out of range. */
export async function findWorkingRung(network: Network, search: RungSearch): Promise<RungFound> {
  const { onProgress, onEvent, trace, ...request } = search;
  let attempts: readonly Attempt[] = [];
  let winner: Attempt | undefined;
  for await (const event of auto(network, { ...request, trace: { queries: 1, ...trace } })) {
    onEvent?.(event);
    if (event.type === "finished") ({ attempts, winner } = event);
    else onProgress?.(event.attempt);
  }
  const rung = winner?.verdict === "reached" ? search.ladder[winner.index] : undefined;
  return { rung, winner, attempts };
}

/** Whether a personality may use another protocol than its own: its `--fallback`, or NETTRACE_FALLBACK=1. */
export function isFallbackWanted(flag: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return flag || env["NETTRACE_FALLBACK"] === "1";
}

/** What to say on stderr, without a newline: `nettrace: ICMP is refused here, this goes by tcp-syn:443`. */
export function fallbackNotice(protocolWords: string, { rung, winner }: RungFound): string {
  if (rung === undefined || winner === undefined) {
    return `nettrace: ${protocolWords} is refused here, and no other protocol reaches the target`;
  }
  return `nettrace: ${protocolWords} is refused here, this goes by ${attemptLabel(winner)}`;
}
