import type { IpAddress } from "./address.ts";
import { createEndOfPath } from "./end-of-path.ts";
import type { PluginError, SocketError } from "./errors.ts";
import type { Outcome, Probe, Reply, TraceEvent } from "./probe.ts";
import { createRttStatistics, type RttStatistics, type RttSummary } from "./statistics.ts";

/** What became of one probe of a hop. */
export interface HopProbe {
  readonly probe: Probe;
  /** `pending` still in flight; `lost` unanswered at its timeout; `abandoned` the trace ended before its timeout. */
  readonly state: "pending" | "answered" | "lost" | "abandoned" | "failed";
  readonly reply?: Reply;
  /** Milliseconds; absent where it was not measured. */
  readonly rttMs?: number;
  /** Answered after it was given up as lost. */
  readonly late: boolean;
  /** Only the packet tap saw the answer. */
  readonly tapped: boolean;
  readonly error?: SocketError;
}

/** What became of a set of probes. */
export interface Answers {
  readonly probes: readonly HopProbe[];
  /** Probes that left this host and were given their full time or were answered. */
  readonly sent: number;
  /** Answered ones among them, late ones included. */
  readonly received: number;
  /** Each address that answered, in order of first appearance. */
  readonly responders: readonly IpAddress[];
  readonly rtt: RttSummary;
  /** None of the probes is in flight. */
  readonly settled: boolean;
}

/** A position on the path. */
export interface Hop extends Answers {
  /** The hop limit, from 1. */
  readonly hop: number;
}

/** The hops of one flow, folded from a trace's events. */
export interface Path {
  /** Takes the next event of the trace, in their order. */
  apply(event: TraceEvent): void;
  /** From the first hop limit probed to the end of the path: the target, or the last hop limit probed. */
  hops(): readonly Hop[];
  /** The hop of that hop limit; undefined where none was probed. */
  hop(number: number): Hop | undefined;
  /** The least hop limit at which the target answered. */
  readonly targetHop: number | undefined;
  /** The target answered, whether its hop is known or not. */
  readonly reached: boolean;
  /** Probes without a hop limit of their own, which belong to no hop (`Probe.direct`); undefined where there were none. */
  readonly direct: Answers | undefined;
  /** Where the path ends on evidence: at the target, or where a router says that there is no way on. */
  readonly endHop: number | undefined;
  /** The highest hop limit up to the path's end that anybody answered. */
  readonly farthestHop: number | undefined;
  readonly outcome: Outcome | undefined;
  readonly stoppedBy: SocketError | PluginError | undefined;
  /** Probes that left this host. */
  readonly sent: number;
  readonly received: number;
  /** Answers of which only the packet tap got a copy. */
  readonly tappedOnly: number;
}

interface Record {
  probe: Probe;
  state: HopProbe["state"];
  reply?: Reply;
  rttMs?: number;
  late: boolean;
  tapped: boolean;
  error?: SocketError;
}

const isAnswered = (record: Record): boolean => record.state === "answered";

interface HopRecord {
  own: Record[];
  scouts: Record[];
  rtt: RttStatistics;
}

/** An empty path, to be fed with the events of one trace. */
export function createPath(): Path {
  const hops = new Map<number, HopRecord>();
  const records = new Map<number, Record>();
  let outcome: Outcome | undefined;
  let stoppedBy: SocketError | PluginError | undefined;
  const end = createEndOfPath();
  const direct: HopRecord = { own: [], scouts: [], rtt: createRttStatistics() };
  let isReachedDirectly = false;
  let sent = 0;
  let received = 0;

  const recordOf = ({ direct: isDirect, hopLimit }: Probe): HopRecord => (isDirect ? direct : hopRecord(hopLimit));

  const hopRecord = (number: number): HopRecord => {
    let record = hops.get(number);
    if (record === undefined) {
      record = { own: [], scouts: [], rtt: createRttStatistics() };
      hops.set(number, record);
    }
    return record;
  };

  const start = (probe: Probe): Record => {
    const record: Record = { probe, state: "pending", late: false, tapped: false };
    const { own, scouts } = recordOf(probe);
    (probe.scout === true ? scouts : own).push(record);
    records.set(probe.sequence, record);
    return record;
  };

  const answered = (record: Record, event: TraceEvent & { type: "reply" | "late" }): void => {
    received += 1;
    record.state = "answered";
    record.reply = event.reply;
    record.late = event.type === "late";
    record.tapped = event.tapped;
    const { hopLimit, scout } = event.probe;
    if (event.rttMs !== undefined) {
      record.rttMs = event.rttMs;
      if (scout !== true) recordOf(event.probe).rtt.add(event.rttMs);
    }
    if (event.probe.direct !== true) end.note(hopLimit, event.reply.effect);
    else if (event.reply.effect === "reached") isReachedDirectly = true;
  };

  /** This host swallowed every probe: none was lost in the network. */
  const nothingLeft = (): void => {
    for (const record of records.values()) record.state = "failed";
    sent = 0;
  };

  const toHop = (number: number): Hop => ({ hop: number, ...answersOf(hopRecord(number)) });

  const answersOf = ({ own, scouts, rtt }: HopRecord): Answers => {
    const useScouts = own.length === 0 || (scouts.some(isAnswered) && !own.some(isAnswered));
    const probes = useScouts ? [...own, ...scouts] : own;
    const responders: IpAddress[] = [];
    for (const { reply } of probes) {
      if (reply !== undefined && !responders.some((known) => known.text === reply.from.text))
        responders.push(reply.from);
    }
    const count = (state: HopProbe["state"]): number => probes.filter((record) => record.state === state).length;
    let summary = rtt;
    if (useScouts) {
      summary = createRttStatistics();
      for (const { rttMs } of probes) if (rttMs !== undefined) summary.add(rttMs);
    }
    return {
      probes: probes.map((record) => ({ ...record })),
      sent: count("answered") + count("lost"),
      received: count("answered"),
      responders,
      rtt: summary.summary(),
      settled: count("pending") === 0,
    };
  };

  const farthest = (): number | undefined => {
    let highest: number | undefined;
    for (const [number, { own, scouts }] of hops) {
      if (number > (end.hop ?? number)) continue;
      if (own.some(isAnswered) || scouts.some(isAnswered)) highest = Math.max(highest ?? number, number);
    }
    return highest;
  };

  return {
    apply(event) {
      if (event.type === "stopped") {
        outcome = event.outcome;
        stoppedBy = event.error;
        if (outcome === "refused" && received === 0) nothingLeft();
        return;
      }
      if (event.type === "sent") {
        sent += 1;
        start(event.probe);
        return;
      }
      const known = records.get(event.probe.sequence);
      const record = known !== undefined && sameProbe(known.probe, event.probe) ? known : start(event.probe);
      if (event.type === "reply" || event.type === "late") answered(record, event);
      else if (event.type === "duplicate") record.tapped &&= event.tapped;
      else if (event.type === "lost") record.state = event.abandoned ? "abandoned" : "lost";
      else {
        record.state = "failed";
        record.error = event.error;
      }
    },
    hops() {
      const numbers = [...hops.keys()].sort((a, b) => a - b);
      return numbers.filter((number) => number <= (end.hop ?? number)).map(toHop);
    },
    hop: (number) => (hops.has(number) ? toHop(number) : undefined),
    get targetHop() {
      return end.targetHop;
    },
    get reached() {
      return isReachedDirectly || end.targetHop !== undefined;
    },
    get direct() {
      return direct.own.length === 0 ? undefined : answersOf(direct);
    },
    get endHop() {
      return end.hop;
    },
    get farthestHop() {
      return farthest();
    },
    get outcome() {
      return outcome;
    },
    get stoppedBy() {
      return stoppedBy;
    },
    get sent() {
      return sent;
    },
    get received() {
      return received;
    },
    get tappedOnly() {
      let count = 0;
      for (const record of records.values()) if (record.state === "answered" && record.tapped) count += 1;
      return count;
    },
  };
}

/** Sequences wrap: a number alone does not name a probe for ever. */
function sameProbe(a: Probe, b: Probe): boolean {
  return a.hopLimit === b.hopLimit && a.round === b.round && a.flow === b.flow;
}
