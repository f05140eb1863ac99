import {
  type Attempt,
  createRoundsSchedule,
  type Network,
  PluginError,
  type ProbeOptions,
  type Rung,
  SocketError,
  type TraceOptions,
  trace,
  UsageError,
} from "../../core/mod.ts";
import { aborted, openNetwork, probeOptions } from "../commands/run.ts";
import type { CommandContext } from "../context.ts";
import { findWorkingRung } from "../personalities/fallback.ts";
import { printable } from "../printable.ts";
import { attemptLabel } from "../render/attempt.ts";
import { isRefusedHere } from "../result.ts";
import { patienceOf } from "../rounds.ts";
import { type Measured, targetState, watchedRuns } from "./measured.ts";
import { createProtocolRun, type ProtocolKey, type ProtocolRun } from "./protocol-run.ts";
import type { LiveSettings, LiveTarget } from "./settings.ts";
import type { AddressBook, Phase } from "./state.ts";
import type { Tuning } from "./tuning.ts";

/** One target being measured, until it is stopped or its rounds are over. */
export interface Measuring extends Measured {
  /** Resolves once nothing is measured any more. Rejects with a fault only. */
  readonly done: Promise<void>;
  tune(tuning: Tuning): void;
  /** Goes on by another protocol: the first that this host opens a socket for; undefined: what the ladder finds. */
  use(rungs: readonly Rung[] | undefined): void;
  /** All numbers of the protocol in use begin anew. */
  reset(): void;
  stop(): void;
  /** The protocol in use. */
  readonly rung: Rung | undefined;
}

/** Of silence between two tries where this host refuses. */
const RETRY_MS = 5000;
const GRACE_MS = 5000;
const GRACE_FACTOR = 4;

export function measureTarget(
  context: CommandContext,
  settings: LiveSettings,
  target: LiveTarget,
  onChange: () => void,
): Measuring {
  const startedAt = context.now().getTime();
  const number = settings.targets.indexOf(target);
  const { observe } = settings;
  const runs = new Map<string, ProtocolRun>();
  let { rungs, tuning } = settings;
  let current: ProtocolRun | undefined;
  let rungInUse: Rung | undefined;
  let attempts: readonly Attempt[] = [];
  let winner: Attempt | undefined;
  let expectedHops: number | undefined;
  let phase: Phase = rungs === undefined ? { type: "searching" } : { type: "measuring" };
  let isStopped = false;
  /** The trace under way still has a last word on what it sent. */
  let isResetDue = false;
  let abort = new AbortController();

  const enter = (next: Phase): void => {
    phase = next;
    observe?.({ type: "phase", target: number, phase });
    onChange();
  };

  const runOf = (rung: Rung): ProtocolRun => {
    const fresh = createProtocolRun(keyOf(rung));
    const known = runs.get(fresh.label) ?? fresh;
    runs.set(known.label, known);
    return known;
  };

  const enterRun = (run: ProtocolRun, rung: Rung): void => {
    current = run;
    rungInUse = rung;
  };

  /** What the ladder finds by a quick trace. */
  const search = async (network: Network, signal: AbortSignal): Promise<readonly Rung[]> => {
    enter({ type: "searching" });
    const seen: Attempt[] = [];
    const { ladder, staggerMs } = settings;
    const found = await findWorkingRung(network, {
      target: target.address,
      ladder,
      staggerMs,
      signal,
      trace: { ...traceOptions(settings, tuning), flow: "constant" },
      probe: probeOptionsOf(settings, tuning),
      onProgress(attempt) {
        seen[attempt.index] = attempt;
        attempts = seen.filter((each) => each !== undefined);
        onChange();
      },
      onEvent: (event) => observe?.({ type: "search", target: number, event }),
    });
    ({ attempts, winner } = found);
    const targetHop = found.winner?.path.targetHop;
    expectedHops = targetHop === undefined ? undefined : targetHop - tuning.firstHop + 1;
    const rung = found.rung ?? ladder[found.winner?.index ?? -1];
    return rung === undefined || signal.aborted ? [] : [rung];
  };

  /** Rounds by one protocol, to their end. False: this host does not let a socket of it open. */
  const watch = async (network: Network, rung: Rung, signal: AbortSignal): Promise<boolean> => {
    const run = runOf(rung);
    let isOpen = false;
    const left = settings.cycles === undefined ? undefined : Math.max(1, settings.cycles - run.rounds);
    try {
      const events = trace(network, {
        plugin: rung.plugin,
        target: { address: target.address, port: rung.port },
        probe: { ...probeOptionsOf(settings, tuning), ...(rung.options && { plugin: rung.options }) },
        trace: traceOptions(settings, tuning),
        schedule: createRoundsSchedule({
          intervalMs: tuning.intervalMs,
          patienceMs: patienceOf(tuning.intervalMs),
          perProbeTimeoutMs: settings.timeoutMs,
          graceMs: Math.min(GRACE_MS, settings.timeoutMs),
          graceFactor: GRACE_FACTOR,
          maxUnknown: tuning.maxUnknown,
          ...(left !== undefined && { cycles: left }),
          ...(expectedHops !== undefined && { expectedHops }),
        }),
        onRefusal: "continue",
        signal,
        onOpen(mode) {
          isOpen = true;
          enterRun(run, rung);
          run.begin(mode);
          observe?.({ type: "opened", target: number, key: run.key, mode, atMs: network.nowMs() });
          enter({ type: "measuring" });
        },
      });
      for await (const event of events) {
        const counted = run.apply(event);
        observe?.({ type: "rounds", target: number, key: run.key, event: counted });
        onChange();
      }
    } catch (error) {
      if (!(error instanceof SocketError || error instanceof PluginError)) throw error;
      if (isOpen || current === undefined) enterRun(run, rung);
      run.fail(error);
      observe?.({ type: "refused", target: number, key: run.key, error });
      return isOpen;
    }
    return true;
  };

  /** Measures until something is changed. Returns after how long to try again; undefined: not at all. */
  const measure = async (signal: AbortSignal): Promise<number | undefined> => {
    using network = await openNetwork({ ...context, stderr: SILENT }, networkOptions(settings, tuning));
    if (rungs === undefined) {
      current = undefined;
      const found = await search(network, signal);
      if (signal.aborted) return undefined;
      if (found.length === 0) {
        enter({ type: "stuck", why: isRefusedHere(attempts) ? "every protocol" : "no protocol is left to try" });
        return RETRY_MS;
      }
      rungs = found;
    }
    const [first] = rungs;
    for (const rung of rungs) {
      if (!(await watch(network, rung, signal))) continue;
      const refusal = current?.state(EMPTY_BOOK).refusal;
      const isOver = refusal === undefined || (current?.rounds ?? 0) >= (settings.cycles ?? Number.POSITIVE_INFINITY);
      enter(isOver ? { type: "finished" } : { type: "stuck", why: refusal });
      return isOver ? undefined : RETRY_MS;
    }
    if (first !== undefined) enterRun(runOf(first), first);
    enter({ type: "stuck", why: current?.state(EMPTY_BOOK).refusal ?? "no protocol can be used" });
    return undefined;
  };

  const loop = async (): Promise<void> => {
    while (!isStopped) {
      abort = new AbortController();
      const { signal } = abort;
      let retryMs: number | undefined;
      try {
        retryMs = await measure(signal);
      } catch (error) {
        if (!(error instanceof UsageError || error instanceof SocketError)) throw error;
        enter({ type: "stuck", why: printable(error.message) });
      }
      if (isResetDue && current !== undefined) {
        current.reset();
        observe?.({ type: "reset", target: number, key: current.key });
      }
      isResetDue = false;
      if (signal.aborted) continue;
      if (phase.type === "finished") return;
      await waitFor(signal, retryMs);
    }
  };

  const restart = (): void => abort.abort();
  const parts = () => ({
    target,
    phase,
    attempts,
    runs: runs.values(),
    current,
    intervalMs: tuning.intervalMs,
    elapsedMs: context.now().getTime() - startedAt,
  });

  return {
    target,
    done: loop(),
    state: (book) => targetState(parts(), book),
    tune(next) {
      tuning = next;
      restart();
    },
    use(next) {
      rungs = next;
      if (next === undefined) attempts = [];
      restart();
    },
    reset() {
      isResetDue = true;
      restart();
    },
    stop() {
      isStopped = true;
      restart();
    },
    get rung() {
      return rungInUse;
    },
    get attempts() {
      return attempts;
    },
    get winner() {
      return winner;
    },
    watched: () => watchedRuns(parts()),
  };
}

/** What it says of its limits was said before there was a screen. */
const SILENT: CommandContext["stderr"] = { write() {}, isTerminal: false, columns: undefined };
const EMPTY_BOOK: AddressBook = { nameOf: () => undefined, originOf: () => undefined };

/** What a rung is called in the header. */
export function rungLabel(rung: Rung): string {
  return attemptLabel(keyOf(rung));
}

function keyOf({ plugin, port }: Rung): ProtocolKey {
  const number = port || (plugin.defaultPort ?? 0);
  return { protocol: plugin.name, port: number === 0 ? null : number };
}

function networkOptions({ options }: LiveSettings, { trafficClass }: Tuning): LiveSettings["options"] {
  if (trafficClass === undefined) return options;
  return { ...options, send: { ...options.send, trafficClass } };
}

function traceOptions({ options }: LiveSettings, { firstHop, maxHop }: Tuning): Partial<TraceOptions> {
  return { ...options.trace, firstHop, maxHop };
}

function probeOptionsOf({ options }: LiveSettings, { packetSize, fill }: Tuning): ProbeOptions {
  return {
    ...probeOptions(options),
    ...(packetSize !== undefined && { packetSize }),
    ...(fill !== undefined && { fill: fill === "random" ? fill : Uint8Array.of(fill) }),
  };
}

async function waitFor(signal: AbortSignal, ms: number | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waits = [aborted(signal)];
  if (ms !== undefined) {
    waits.push(
      new Promise((resolve) => {
        timer = setTimeout(resolve, ms);
      }),
    );
  }
  await Promise.race(waits);
  clearTimeout(timer);
}
