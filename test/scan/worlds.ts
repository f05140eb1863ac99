import type { Network } from "../../core/network.ts";
import type { ProtocolPlugin } from "../../core/plugin.ts";
import { createLedger, type Ledger } from "../../core/scan/ledger.ts";
import type { ScanOptions } from "../../core/scan/options.ts";
import type { ScanRow } from "../../core/scan/row.ts";
import { type ScanEnd, scan } from "../../core/scan/scan.ts";
import { parseTargets, type TargetSet } from "../../core/scan/targets.ts";
import { createSimNetwork, type SimNetwork, type SimOptions } from "../../core/sim/network.ts";
import { respondersOf, router } from "../../core/sim/topologies.ts";
import type { Router, Target, Topology } from "../../core/sim/topology.ts";

/** The addresses of target `number`, 0-65535. */
export function addressesOf(number: number): { readonly v4: string; readonly v6: string } {
  const [high, low] = [number >> 8, number & 0xff];
  return { v4: `20.0.${high}.${low}`, v6: `2600::1:${number.toString(16)}` };
}

export interface PathSpec {
  /** Routers before the target; the first three are those of every path. */
  readonly routers?: number;
  readonly special?: Readonly<Record<number, Omit<Router, "v4" | "v6">>>;
  readonly target?: Omit<Target, "v4" | "v6">;
}

const SHARED = 3;

/** Target `number` behind its routers; those behind the third are its own. */
export function pathTo(number: number, { routers = 5, special = {}, target = {} }: PathSpec = {}): Topology {
  const hops = Array.from({ length: routers }, (_, at) => {
    const hop = at + 1;
    const { v4, v6, ...more } = router(hop, special[hop]);
    const own = { v4: `10.${hop}.${number >> 8}.${number & 0xff}`, v6: `2001:db8:${hop}:${number.toString(16)}::1` };
    return { routers: [{ ...(hop <= SHARED ? { v4: v4 ?? "", v6: v6 ?? "" } : own), ...more }] as const };
  });
  return { hops, target: { ...addressesOf(number), tcp: { ports: { 443: "open" } }, ...target } };
}

export function simulated(paths: readonly Topology[], options: SimOptions = {}): SimNetwork {
  const [first, ...others] = paths;
  if (first === undefined) throw new TypeError("Cannot simulate no path");
  return createSimNetwork(first, { others, ...options });
}

export interface ScanRun {
  readonly plugin: ProtocolPlugin;
  readonly targets: TargetSet;
  readonly seed?: number;
  readonly ledger?: Ledger;
  readonly options?: Partial<ScanOptions>;
  /** So many rows, then an interrupt. */
  readonly stopAfter?: number;
}

/** A scan to its end or to its interrupt, with the rows that it told. */
export async function scanned(
  network: Network,
  { plugin, targets, seed = 1, ledger = createLedger(targets.count), options = {}, stopAfter }: ScanRun,
): Promise<{ readonly rows: readonly ScanRow[]; readonly end: ScanEnd; readonly ledger: Ledger }> {
  const rows: ScanRow[] = [];
  const abort = new AbortController();
  if (stopAfter === 0) abort.abort();
  const end = await scan(network, {
    plugin,
    targets,
    seed,
    ledger,
    options,
    signal: abort.signal,
    onRow(row) {
      if (abort.signal.aborted) return;
      rows.push(row);
      ledger.finish(row.position);
      if (rows.length === stopAfter) abort.abort();
    },
  });
  return { rows, end, ledger };
}

export function listOf(numbers: readonly number[], family: 4 | 6 = 4): TargetSet {
  return parseTargets(numbers.map((number) => addressesOf(number)[family === 4 ? "v4" : "v6"]).join("\n"));
}

/** `1 10.0.1.1, 2 *, …` */
export function pathText({ hops }: ScanRow): string {
  return hops.map(({ hop, from }) => `${hop} ${from?.text ?? "*"}`).join(", ");
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** What a row without a stop set has to say. */
export function truthOf(path: Topology, family: 4 | 6): string {
  return respondersOf(path, family)
    .map((addresses, at) => `${at + 1} ${addresses[0] ?? "*"}`)
    .join(", ");
}
