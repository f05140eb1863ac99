import type { IpAddress } from "../address.ts";
import type { Network } from "../network.ts";
import type { PluginValues, ProbeOptions, ProtocolPlugin } from "../plugin.ts";
import type { TraceEvent } from "../probe.ts";
import { createDriver, type Driver } from "../tracer/driver.ts";
import { completeTraceOptions, type TraceOptions } from "../tracer/options.ts";
import { type Attempt, type LiveAttempt, openAttempt } from "./attempt.ts";
import { type DroppedHere, watchDrops } from "./dropped-here.ts";
import { REFUSED_HERE } from "./verdict.ts";

/** One protocol of the ladder. Port 0: the plugin's default port. */
export interface Rung {
  readonly plugin: ProtocolPlugin;
  readonly port: number;
  /** Values of the plugin's own options. */
  readonly options?: PluginValues;
  /** Tried although an earlier rung has reached the target, and left to its own end. Such rungs come last. */
  readonly always?: true;
}

/** What `auto` is asked to do. */
export interface AutoRequest {
  readonly target: IpAddress;
  readonly ladder: readonly Rung[];
  readonly probe?: ProbeOptions;
  readonly trace?: Partial<TraceOptions>;
  /** A target that is silent for so long, milliseconds, lets the next attempt start beside; default 250 (RFC 8305 §8). */
  readonly staggerMs?: number;
  readonly signal?: AbortSignal;
}

/** What `auto` tells as it happens. */
export type AutoEvent =
  | { readonly type: "attempt-started"; readonly attempt: Attempt }
  | { readonly type: "trace"; readonly attempt: Attempt; readonly event: TraceEvent }
  | { readonly type: "attempt-ended"; readonly attempt: Attempt }
  /** The attempt to show: the first in order that reached the target, else the one that saw farthest. */
  | { readonly type: "leading"; readonly attempt: Attempt }
  | {
      readonly type: "finished";
      readonly attempts: readonly Attempt[];
      readonly winner: Attempt | undefined;
      /** Where missing answers came to this host after all, and it dropped them. */
      readonly droppedHere?: DroppedHere;
    };

/** Milliseconds; see `AutoRequest.staggerMs`. */
export const DEFAULT_STAGGER_MS = 250;
/** An earlier protocol may be answered by slower means than the one that overtook it; so much more is fair. */
const FAIR_FACTOR = 2;
/** Whether a refusal is policy shows within some ten milliseconds; on a host that stalls, it must not pass for silence. */
const JUDGEMENT_MS = 1000;

/**
 * Tries protocols in order. A refusal by this host starts the next at once, a silent target after `staggerMs` beside
 * those under way. The first in order that reaches the target wins; a later one that reached waits for the earlier ones
 * no longer than is fair. The last event is `finished`. Throws UsageError where an option is out of range.
 */
export async function* auto(network: Network, request: AutoRequest): AsyncGenerator<AutoEvent, void, undefined> {
  const staggerMs = request.staggerMs ?? DEFAULT_STAGGER_MS;
  const options = completeTraceOptions(request.trace);
  await network.ready?.();
  using driver = createDriver(network);
  const events: AutoEvent[] = [];
  const attempts: LiveAttempt[] = [];
  const climb = createLadder(request, options, driver, network, attempts, events);
  const isInRace = ({ index }: Attempt): boolean => request.ladder[index]?.always !== true;
  let leading: Attempt | undefined;
  let dropsOf: ReturnType<typeof watchDrops> | undefined;

  while (true) {
    if (request.signal?.aborted) for (const each of attempts) each.stop(network.nowMs(), false);
    else climb(staggerMs);
    // Once the first probes are under way: until they are answered there is nothing else to do.
    dropsOf ??= watchDrops(network, request.target.family);
    const candidate = attempts.find((each) => each.path.reached);
    if (candidate !== undefined) overtake(candidate, attempts.filter(isInRace), network.nowMs(), staggerMs);
    for (const each of attempts) each.settle(network.nowMs());
    const isDecided = candidate !== undefined && attempts.every((each) => each === candidate || each.ended);
    if (isDecided && candidate !== leading) {
      leading = candidate;
      events.push({ type: "leading", attempt: candidate });
    }
    for (const event of events.splice(0)) yield event;
    const isLeft = request.ladder[attempts.length]?.always === true;
    const isClimbed =
      (candidate !== undefined && !isLeft) || attempts.length === request.ladder.length || request.signal?.aborted;
    if (isClimbed && attempts.every((each) => each.ended)) break;
    // An attempt that has ended holds the ladder up no longer.
    if (!isClimbed && attempts.at(-1)?.ended) continue;
    const nextMs = isClimbed ? Number.POSITIVE_INFINITY : (attempts.at(-1)?.startedMs ?? 0) + staggerMs;
    await driver.turn(Math.min(nextMs, wakeMs(attempts.filter(isInRace), candidate, staggerMs)), request.signal);
  }

  const winner = attempts.find((each) => each.path.reached) ?? farthest(attempts);
  if (winner !== undefined && winner !== leading) yield { type: "leading", attempt: winner };
  const droppedHere = dropsOf?.(attempts);
  yield { type: "finished", attempts, winner, ...(droppedHere && { droppedHere }) };
}

/** Starts rungs for as long as nobody has reached the target and those under way are refused or slow. */
function createLadder(
  request: AutoRequest,
  options: TraceOptions,
  driver: Driver,
  network: Network,
  attempts: LiveAttempt[],
  events: AutoEvent[],
): (staggerMs: number) => void {
  const start = (rung: Rung): void => {
    const attempt = openAttempt({
      driver,
      index: attempts.length,
      protocol: {
        plugin: rung.plugin,
        target: { address: request.target, port: rung.port || (rung.plugin.defaultPort ?? 0) },
        probe: { ...request.probe, ...(rung.options && { plugin: rung.options }) },
        trace: options,
      },
      nowMs: network.nowMs(),
      onEvent: (event) => events.push({ type: "trace", attempt, event }),
      onEnded: () => events.push({ type: "attempt-ended", attempt }),
    });
    attempts.push(attempt);
    events.push({ type: "attempt-started", attempt });
    attempt.begin();
  };
  return (staggerMs) => {
    while (attempts.length < request.ladder.length) {
      const nowMs = network.nowMs();
      const latest = attempts.at(-1);
      const mayClimb =
        latest === undefined || latest.ended || latest.suspected || nowMs >= latest.startedMs + staggerMs;
      const rung = request.ladder[attempts.length];
      if (!mayClimb || (rung?.always !== true && attempts.some((each) => each.path.reached))) return;
      if (rung !== undefined) start(rung);
    }
  };
}

/** The candidate reached the target: later attempts are needless, earlier ones have had, or get, a fair time. */
function overtake(candidate: LiveAttempt, attempts: readonly LiveAttempt[], nowMs: number, staggerMs: number): void {
  for (const each of attempts) {
    if (each.index > candidate.index) each.stop(nowMs, false);
    else if (each.index < candidate.index && nowMs >= fairUntilMs(each, candidate, staggerMs)) each.stop(nowMs, true);
  }
}

function fairUntilMs(earlier: LiveAttempt, candidate: LiveAttempt, staggerMs: number): number {
  const { targetHop, direct } = candidate.path;
  const answers = targetHop === undefined ? direct : candidate.path.hop(targetHop);
  const rttMs = answers?.rtt.worstMs;
  const judgementMs = earlier.suspected ? JUDGEMENT_MS : 0;
  return earlier.startedMs + staggerMs + judgementMs + FAIR_FACTOR * (rttMs ?? 0);
}

/** When one of those that are in the race with the candidate has had a fair time. */
function wakeMs(attempts: readonly LiveAttempt[], candidate: LiveAttempt | undefined, staggerMs: number): number {
  const times = [Number.POSITIVE_INFINITY];
  for (const each of attempts) {
    if (candidate !== undefined && !each.ended && each.index < candidate.index) {
      times.push(fairUntilMs(each, candidate, staggerMs));
    }
  }
  return Math.min(...times);
}

function farthest(attempts: readonly LiveAttempt[]): LiveAttempt | undefined {
  let best: LiveAttempt | undefined;
  for (const each of attempts) {
    const reach = each.path.farthestHop ?? 0;
    const isSeen = reach > 0 || (each.path.sent > 0 && !REFUSED_HERE.has(each.verdict ?? "abandoned"));
    if (isSeen && (best === undefined || reach > (best.path.farthestHop ?? 0))) best = each;
  }
  return best;
}
