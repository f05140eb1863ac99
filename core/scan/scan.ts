import { PluginError, type SocketError, UsageError } from "../errors.ts";
import type { Network } from "../network.ts";
import type { ProbeOptions, ProtocolPlugin } from "../plugin.ts";
import { createProber } from "./batches.ts";
import { createEngine, type ScanCounts } from "./engine.ts";
import type { Ledger } from "./ledger.ts";
import { completeScanOptions, type ScanOptions } from "./options.ts";
import { createPermutation } from "./permutation.ts";
import type { ScanRow } from "./row.ts";
import type { StopSet } from "./stop-set.ts";
import type { TargetSet } from "./targets.ts";

/** What `scan` is asked to do. */
export interface ScanRequest {
  readonly plugin: ProtocolPlugin;
  /** 0 or absent: the plugin's default port. */
  readonly port?: number;
  readonly targets: TargetSet;
  /** Names the order of the targets, 0-4294967295: equal lists and seeds make equal orders. */
  readonly seed: number;
  /** Of `targets.count` positions. The caller tells it (`finish`) of the rows that are safe. */
  readonly ledger: Ledger;
  readonly options?: Partial<ScanOptions>;
  /** Which hops need no asking, as rows of an earlier run tell; what rows of this one tell is added before `onRow`. */
  readonly stopSet?: StopSet;
  readonly probe?: ProbeOptions;
  readonly signal?: AbortSignal;
  /** Each target's row, once; as soon as it is complete. */
  readonly onRow: (row: ScanRow) => void;
  /**
   * Called after each turn, before nothing is done for a while (`isIdle`) or more is; what it returns is waited for before
   * anything more is sent.
   */
  readonly onTurn?: (counts: ScanCounts, isIdle: boolean) => Promise<void> | undefined;
}

/** How a scan ended. Only `complete` has a row for every target. */
export type ScanEnd = { readonly counts: ScanCounts; readonly mode: string | undefined } & (
  | { readonly type: "complete" }
  | { readonly type: "aborted" }
  /** This host would not send at all; targets that only showed that have no rows. */
  | { readonly type: "refused"; readonly error: SocketError }
  | { readonly type: "faulty"; readonly error: PluginError }
);

/** How often batches are looked at while there is nothing else to do: their packets are stamped anyway. */
const POLL_MS = { fast: 1, slow: 5, rest: 50 } as const;
/** Where nothing came for a while, the next look is so much of that while away. */
const REST_SHARE = 0.25;
/** Under a flood sending must go on. */
const MAX_DRAIN = 512;

/**
 * Traces many targets at once, in an order that looks like chance. Throws UsageError where an option is out of range or the
 * plugin cannot be used so.
 */
export async function scan(network: Network, request: ScanRequest): Promise<ScanEnd> {
  const { plugin, targets, seed, ledger, signal, onRow, onTurn } = request;
  if (network.reachOnly) throw new UsageError("Cannot scan: this process may not call the C library, and sees no hops");
  const options = completeScanOptions(request.options);
  using prober = createProber(network, {
    plugin,
    port: request.port ?? 0,
    probe: request.probe ?? {},
    slots: options.atOnce,
  });
  await network.ready?.();
  const pollMs = options.batch > 1 ? POLL_MS.fast : POLL_MS.slow;
  let busyMs = network.nowMs();
  let sentBefore = 0;
  const order = createPermutation(targets.count, seed);
  const known = request.stopSet === undefined ? {} : { stopSet: request.stopSet };
  const nowMs = () => network.nowMs();
  const engine = createEngine({ targets, order, ledger, prober, options, nowMs, onRow, ...known });
  const end = () => ({ counts: { ...engine.counts }, mode: prober.mode });
  try {
    while (!engine.isOver) {
      if (signal?.aborted) return { type: "aborted", ...end() };
      let count = 0;
      for (let come = engine.poll(); come > 0 && count < MAX_DRAIN; come = engine.poll()) count += come;
      for (; count < MAX_DRAIN; count += 1) {
        const arrival = await network.receive(network.nowMs(), signal);
        if (arrival === undefined) break;
        engine.accept(arrival);
      }
      if (count < MAX_DRAIN) engine.expire();
      engine.send();
      const nowMs = network.nowMs();
      if (count > 0 || engine.counts.sent > sentBefore) busyMs = nowMs;
      sentBefore = engine.counts.sent;
      const isIdle = count === 0 && engine.wakeAtMs > nowMs;
      const pause = onTurn?.(engine.counts, isIdle);
      if (pause !== undefined) await pause;
      if (!isIdle || engine.isOver) continue;
      const isPolled = prober.isPolled && engine.counts.underWay > 0;
      const nextPollMs = Math.min(POLL_MS.rest, Math.max(pollMs, (nowMs - busyMs) * REST_SHARE));
      const untilMs = isPolled ? Math.min(engine.wakeAtMs, nowMs + nextPollMs) : engine.wakeAtMs;
      const arrival = await network.receive(untilMs, signal);
      if (arrival !== undefined) engine.accept(arrival);
    }
  } catch (error) {
    if (error instanceof PluginError) return { type: "faulty", error, ...end() };
    throw error;
  }
  return engine.refusal === undefined
    ? { type: "complete", ...end() }
    : { type: "refused", error: engine.refusal, ...end() };
}
