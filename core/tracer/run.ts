import { PluginError, SocketError } from "../errors.ts";
import type { Arrival, DepartureArrival } from "../network.ts";
import type { ProbeSession } from "../plugin.ts";
import type { Outcome, Probe, Reply, TraceEvent } from "../probe.ts";
import { createFlights, type Flight, type Provisional } from "./flights.ts";
import type { TraceOptions } from "./options.ts";
import { createRefusal } from "./refusal.ts";
import type { Decision, Schedule, Slot } from "./schedule.ts";

/** One trace under way, driven from outside: it never waits, so that one loop can drive many. */
export interface Run {
  /**
   * Sends what is due, and gives up what was overdue at `drainedMs`, up to which all arrivals were accepted; undefined: that
   * is not known of any time. Returns when to come again if nothing arrives.
   */
  poll(nowMs: number, drainedMs: number | undefined): number;
  /** An arrival on one of this run's sockets. */
  accept(arrival: Arrival): void;
  /** Ends the trace now; nothing happens if it has ended. */
  stop(outcome: Outcome, nowMs: number): void;
  readonly ended: boolean;
  /** The host has refused every send so far, and it is not yet sure that this is its policy. */
  readonly suspected: boolean;
  /** Sends that the host refused, retries included. */
  readonly refusedSends: number;
  /** Answers that met some probe of this run, nobody can say which. */
  readonly unattributed: number;
  /** How late arrivals may be told, milliseconds. */
  readonly patienceMs: number;
  /** Probes of which something is still known: in flight, or settled a while ago at most. */
  readonly remembered: number;
}

type Answer = Exclude<Arrival, DepartureArrival>;

/** The socket's own copy of an answer follows the packet tap's within microseconds; this is ample even on a busy host. */
const TAP_GRACE_MS = 5;
/** This many probes in a row that the host would not send end a trace that had begun well. */
const REFUSED_PROBES_LIMIT = 3;
/** So many replies to probes that were never sent, and none to one that was, show a faulty plugin. */
const FOREIGN_LIMIT = 3;
/** So many answers by our own host, and none by another, make a REJECT rule. */
const LOCAL_REJECTS_LIMIT = 2;

/** Refused sends that are remembered, since a REJECT rule answers them: it does so at once. */
const MOST_REFUSED = 256;

/** What a refusal by this host does: `stop` ends the trace once it is policy; `continue` goes on to the next probe. */
export type RefusalPolicy = "stop" | "continue";

export interface RunStart {
  /** Of the first probe. */
  readonly sequence: number;
  readonly clock: () => number;
  readonly schedule: Schedule;
  readonly onRefusal: RefusalPolicy;
  /** As in `ProbeSession`. */
  readonly reachOnly: boolean;
}

export function createRun(
  session: ProbeSession,
  options: Pick<TraceOptions, "flow">,
  emit: (event: TraceEvent) => void,
  start: RunStart,
): Run {
  const { schedule, onRefusal, reachOnly } = start;
  const refusal = createRefusal();
  const flights = createFlights(start.sequence);
  let flow = 0;
  let ended = false;
  let departed = 0;
  let answers = 0;
  let refusedProbes = 0;
  let localRejects = 0;
  let latestReject: SocketError | undefined;
  let losses = 0;
  /** What the host refused; nothing that answers it belongs to the path. */
  const refusedSequences = new Set<number>();
  /** Replies that name a probe which was never sent. */
  let foreign = 0;
  /** The last answer of which only the packet tap's copy has come, and when it came. */
  let lastTapped: Flight | undefined;
  let lastTappedMs = 0;
  let firstSentMs: number | undefined;
  let hiddenRefusalsAsked = 0;
  let latestRefusal: SocketError | undefined;
  let retry: { readonly probe: Probe; readonly decision: Decision & { type: "send" }; atMs: number } | undefined;

  const stop = (given: Outcome, nowMs: number, cause?: SocketError | PluginError): void => {
    if (ended) return;
    ended = true;
    // Single ones can be forged by others; a plugin that names nothing but those does not know its own probes.
    const isLost = cause === undefined && answers === 0 && foreign >= FOREIGN_LIMIT;
    const error = isLost
      ? new PluginError(`Cannot go on: the plugin named ${foreign} probes in match that were never sent`)
      : cause;
    const outcome = isLost ? "faulty" : given;
    for (const flight of [...flights.inFlight()]) {
      if (flight.provisional !== undefined) answerProvisionally(flight, flight.provisional);
      else emit({ type: "lost", probe: flight.probe, atMs: nowMs, abandoned: true });
    }
    emit({ type: "stopped", atMs: nowMs, outcome, ...(error && { error }) });
  };

  const takeSequence = (): number => {
    const taken = flights.takeSequence();
    refusedSequences.delete(taken);
    return taken;
  };

  const rememberRefused = (sequence: number): void => {
    refusedSequences.add(sequence);
    const [oldest] = refusedSequences;
    if (refusedSequences.size > MOST_REFUSED && oldest !== undefined) refusedSequences.delete(oldest);
  };

  const newProbe = ({ hop, round, scout, apart = scout, flow: chosen }: Decision & { type: "send" }): Probe => {
    const isApart = apart || options.flow === "vary";
    if (isApart) flow += 1;
    const base = { sequence: takeSequence(), hopLimit: hop, round, flow: chosen ?? (isApart ? flow : 0) };
    if (reachOnly) return { ...base, direct: true };
    return scout ? { ...base, scout } : base;
  };

  const giveUp = (probe: Probe, decision: Decision & { type: "send" }, error: SocketError, nowMs: number): void => {
    retry = undefined;
    schedule.refused(decision, nowMs);
    emit({ type: "failed", probe, atMs: nowMs, error });
    refusedProbes += 1;
    if (onRefusal === "continue") return;
    if (departed === 0 || refusedProbes >= REFUSED_PROBES_LIMIT) stop("refused", nowMs, error);
  };

  /** Tries to send; false where the caller has to wait before it sends more. */
  const trySend = (probe: Probe, decision: Decision & { type: "send" }, nowMs: number): boolean => {
    // A burst takes a while: where the kernel does not stamp departures, this is the time that counts.
    const sentAtMs = start.clock();
    try {
      session.send(probe);
    } catch (error) {
      if (!(error instanceof SocketError)) {
        stop("faulty", nowMs, pluginFault("send", error));
        return true;
      }
      const { final, retryAtMs } = refusal.refused(error, nowMs);
      latestRefusal = error;
      rememberRefused(probe.sequence);
      // A REJECT rule answers what it refused, in the target's name even: the next try must not be taken for that one.
      if (final) giveUp(probe, decision, error, nowMs);
      else retry = { probe: { ...probe, sequence: takeSequence() }, decision, atMs: retryAtMs };
      return final;
    }
    retry = undefined;
    refusal.accepted();
    refusedProbes = 0;
    departed += 1;
    firstSentMs ??= nowMs;
    const slot = schedule.sent(decision, nowMs);
    // A host that stalled meanwhile must not take that from the time which the answer is given.
    slot.sentAtMs = start.clock();
    const flight: Flight = { probe, slot, sentAtMs, state: "flight" };
    flights.add(flight);
    emit({ type: "sent", probe, atMs: sentAtMs });
    return true;
  };

  /** Where nothing was answered, the host itself may have swallowed the probes. Returns when to ask again. */
  const askHiddenRefusal = (nowMs: number): number => {
    while (!ended && answers === 0 && firstSentMs !== undefined) {
      const afterMs = session.hiddenRefusalAtMs?.[hiddenRefusalsAsked];
      if (afterMs === undefined) break;
      if (nowMs < firstSentMs + afterMs) return firstSentMs + afterMs;
      hiddenRefusalsAsked += 1;
      try {
        const error = session.hiddenRefusal?.();
        if (error !== undefined) stop("refused", nowMs, error);
      } catch (error) {
        stop("faulty", nowMs, pluginFault("hiddenRefusal", error));
      }
    }
    return Number.POSITIVE_INFINITY;
  };

  const poll = (nowMs: number, drainedMs: number | undefined): number => {
    while (!ended) {
      if (drainedMs !== undefined) for (const slot of schedule.expire(drainedMs)) lose(slot, nowMs);
      if (retry !== undefined) {
        if (retry.atMs > nowMs) return retry.atMs;
        if (!trySend(retry.probe, retry.decision, nowMs)) continue;
      }
      if (ended) break;
      const decision = schedule.decide(nowMs);
      const askMs = askHiddenRefusal(nowMs);
      if (ended) break;
      if (decision.type === "wait") return Math.min(decision.untilMs, askMs);
      if (decision.type === "done") {
        if (askMs < Number.POSITIVE_INFINITY) return askMs;
        const graceMs = lastTapped !== undefined ? lastTappedMs + TAP_GRACE_MS : nowMs;
        if (graceMs > nowMs) return graceMs;
        // Fewer probes than make a policy were asked for; but this host answered all of them.
        const reject = onRefusal === "stop" && answers === 0 && losses === 0 ? latestReject : undefined;
        if (reject !== undefined) stop("refused", nowMs, reject);
        else stop(decision.outcome, nowMs);
      } else trySend(newProbe(decision), decision, nowMs);
    }
    return nowMs;
  };

  const lose = (slot: Slot, nowMs: number): void => {
    const flight = flights.ofSlot(slot);
    if (flight === undefined) return;
    if (flight.provisional !== undefined) {
      answerProvisionally(flight, flight.provisional);
      return;
    }
    flights.settle(flight, "lost");
    losses += 1;
    emit({ type: "lost", probe: flight.probe, atMs: nowMs, abandoned: false });
    try {
      session.forget?.(flight.probe.sequence);
    } catch (error) {
      stop("faulty", nowMs, pluginFault("forget", error));
    }
  };

  const answerProvisionally = (flight: Flight, { latest, first }: Provisional): void => answered(flight, latest, first);

  const ask = (where: "match" | "provisional", arrival: Arrival): Reply | undefined => {
    try {
      return session[where]?.(arrival);
    } catch (error) {
      stop("faulty", arrival.atMs, pluginFault(where, error));
      return undefined;
    }
  };

  /** The probe that a reply names, if it is one of ours that left. */
  const flightOf = (reply: Reply | undefined): Flight | undefined => {
    if (reply === undefined || refusedSequences.has(reply.sequence)) return undefined;
    const flight = flights.find(reply.sequence);
    if (flight === undefined) foreign += 1;
    return flight;
  };

  const acceptProvisional = (arrival: Answer): void => {
    const reply = ask("provisional", arrival);
    const flight = flightOf(reply);
    if (reply === undefined || flight === undefined || ("local" in arrival && arrival.local)) return;
    const isFirst = flight.provisional === undefined;
    flight.provisional = { first: flight.provisional?.first ?? arrival, latest: reply };
    if (!isFirst || flight.state !== "flight") return;
    answers += 1;
    schedule.provisional?.(flight.slot, arrival.atMs);
  };

  const rejectedHere = (flight: Flight, reply: Reply, arrival: Answer): void => {
    const { atMs } = arrival;
    if (flight.state !== "flight") return;
    const refusal = arrival.kind === "handshake" ? arrival.refusal : undefined;
    const error = refusal ?? localReject(reply, atMs - flight.sentAtMs);
    flights.settle(flight, "failed");
    const isNeighbour = refusal === undefined && error.stage === "route";
    schedule.failed(flight.slot, isNeighbour ? { reply, rttMs: atMs - flight.sentAtMs } : undefined);
    // What refused before anything left is no answer.
    emit({ type: "failed", probe: flight.probe, atMs, error, ...(refusal === undefined && { reply }) });
    localRejects += 1;
    latestReject = error;
    if (onRefusal === "continue") return;
    const isPolicy = localRejects >= LOCAL_REJECTS_LIMIT || refusal !== undefined;
    if (isPolicy && answers === 0) stop("refused", atMs, error);
  };

  const answered = (flight: Flight, reply: Reply, arrival: Answer): void => {
    const { probe, state } = flight;
    if (state === "failed") return;
    const first = flight.provisional?.first ?? arrival;
    const isRetransmitted = "retransmitted" in first && first.retransmitted;
    const isKnown = reply.ambiguous !== true && !isRetransmitted && first.blurred !== true;
    const rttMs = first.atMs - flight.sentAtMs;
    const measured = isKnown && rttMs >= 0 ? { rttMs } : {};
    const tapped = arrival.kind === "packet" && arrival.tapped;
    const again = isRetransmitted ? ({ retransmitted: true } as const) : {};
    const answer = { probe, reply, atMs: arrival.atMs, tapped, ...measured, ...again };
    if (state === "answered") {
      // The packet tap shows what the socket has shown already.
      if (tapped) return;
      if (lastTapped === flight) lastTapped = undefined;
      emit({ type: "duplicate", ...answer });
      return;
    }
    answers += 1;
    flights.settle(flight, "answered");
    if (tapped) {
      lastTapped = flight;
      lastTappedMs = arrival.atMs;
    }
    schedule.answered(flight.slot, reply.effect, measured.rttMs, reply);
    emit({ type: state === "lost" ? "late" : "reply", ...answer });
  };

  return {
    poll,
    accept(arrival) {
      if (ended) return;
      if (arrival.kind === "departure") {
        const flight = flights.find(arrival.tag);
        if (flight?.state === "flight") flight.sentAtMs = arrival.atMs;
        return;
      }
      const reply = ask("match", arrival);
      if (reply === undefined && !ended) acceptProvisional(arrival);
      const flight = flightOf(reply);
      if (reply === undefined || flight === undefined) return;
      const isLocal = reply.local === true || ("local" in arrival && arrival.local);
      if (isLocal) rejectedHere(flight, reply, arrival);
      else answered(flight, reply, arrival);
    },
    stop(outcome, nowMs) {
      // A host too busy for all its tries has refused every one that there was: nothing went silent in any path.
      const isRefused = outcome === "aborted" && departed === 0 && latestRefusal !== undefined;
      if (isRefused) stop("refused", nowMs, latestRefusal);
      else stop(outcome, nowMs);
    },
    get ended() {
      return ended;
    },
    get suspected() {
      return answers === 0 && ((departed === 0 && refusal.suspected) || localRejects > 0);
    },
    get refusedSends() {
      return refusal.count;
    },
    get unattributed() {
      return session.unattributed ?? 0;
    },
    get patienceMs() {
      return schedule.patienceMs ?? 0;
    },
    get remembered() {
      return flights.size;
    },
  };
}

/** A REJECT answers at once; the kernel gives up asking for a neighbour's link address after about three seconds. */
const NEIGHBOUR_MS = 500;

function localReject({ icmp }: Reply, afterMs: number): SocketError {
  if (afterMs > NEIGHBOUR_MS) {
    const evidence = "the next router does not answer ARP or neighbour discovery";
    return new SocketError("route", "EHOSTUNREACH", "get a packet out of this host", evidence);
  }
  const evidence =
    icmp === undefined
      ? "this host itself answers the SYN with a reset"
      : `this host itself answers with ICMP type ${icmp.type} code ${icmp.code}`;
  const errno = icmp === undefined ? "ECONNREFUSED" : null;
  return new SocketError("local-reject", errno, "get a packet out of this host", evidence);
}

function pluginFault(where: string, error: unknown): PluginError {
  if (error instanceof PluginError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new PluginError(`Cannot go on: the plugin failed in ${where}: ${text}`);
}
