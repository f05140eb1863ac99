import {
  type IpAddress,
  type MplsLabel,
  type Outcome,
  PluginError,
  type Probe,
  parseAddress,
  type Reply,
  type Route,
  SocketError,
  type Stage,
  type TraceEvent,
} from "../../core/mod.ts";
import type { LiveHead, ReportHead } from "../render/report.ts";
import type { RunHead } from "../result.ts";
import { EVENTS_SCHEMA } from "./encode.ts";
import {
  asFields,
  FieldError,
  type Fields,
  flag,
  list,
  number,
  numberOrNull,
  text,
  textOrNull,
  whole,
  word,
} from "./fields.ts";

export const STAGES: readonly Stage[] = ["socket", "route", "bind", "send", "connect", "local-reject"];
const OUTCOMES: readonly Outcome[] = ["reached", "unreachable", "silent", "max-hops", "refused", "faulty", "aborted"];
const MAX_SEQUENCE = 65_535;
const MAX_COUNT = Number.MAX_SAFE_INTEGER;
/** No path has more labels on it. */
const MAX_LABELS = 64;
const MAX_TARGETS = 1000;

/** The first line of a recording. Throws FieldError. */
export function readHead(fields: Fields): RunHead | ReportHead | LiveHead {
  if (fields["schema"] !== EVENTS_SCHEMA) throw new FieldError(`it is no recording of the form ${EVENTS_SCHEMA}`);
  const target = asFields(fields["target"], '"target"');
  const trace = asFields(fields["trace"], '"trace"');
  const started = new Date(text(fields, "started"));
  if (Number.isNaN(started.getTime())) throw new FieldError('"started" is no time');
  const command = word(fields, "command", ["auto", "trace", "report", "live"]);
  const rounds =
    command === "report" || command === "live"
      ? {
          cycles: whole(fields, "cycles", MAX_COUNT),
          intervalMs: number(fields, "interval_ms"),
          localHost: text(fields, "local_host"),
        }
      : {};
  const targets = command === "live" ? { targets: readTargets(fields) } : {};
  return {
    ...rounds,
    ...targets,
    command,
    target: { name: text(target, "name"), address: address(target, "address") },
    route: readRoute(fields),
    trace: {
      firstHop: whole(trace, "first_hop", 255),
      maxHop: whole(trace, "max_hop", 255),
      queries: whole(trace, "queries", 255),
      window: whole(trace, "window", 255),
      maxGap: whole(trace, "max_gap", 255),
      maxWaitMs: number(trace, "max_wait_ms"),
      packetsPerSecond: number(trace, "packets_per_second"),
      flow: word(trace, "flow", ["constant", "vary"]),
    },
    ladder: list(fields, "ladder").map((rung) => {
      const each = asFields(rung, "a rung");
      return { protocol: text(each, "protocol"), port: each["port"] === null ? null : whole(each, "port", 65_535) };
    }),
    started,
  };
}

function readRoute(fields: Fields): Route | undefined {
  if (fields["source"] === null) return undefined;
  const source = asFields(fields["source"], '"source"');
  const device = textOrNull(source, "interface");
  return { source: address(source, "address"), ...(device !== null && { interface: device }) };
}

function readTargets(fields: Fields): LiveHead["targets"] {
  const targets = list(fields, "targets")
    .slice(0, MAX_TARGETS)
    .map((each) => {
      const target = asFields(each, "a target");
      const route = readRoute(target);
      return { host: text(target, "name"), address: address(target, "address"), ...(route && { route }) };
    });
  if (targets.length === 0) throw new FieldError('"targets" are none');
  return targets;
}

/** An event of a trace; undefined for lines of other types. Throws FieldError. */
export function readTraceEvent(fields: Fields): TraceEvent | undefined {
  const type = text(fields, "type");
  switch (type) {
    case "sent":
      return { type, probe: readProbe(fields), atMs: number(fields, "at_ms") };
    case "lost":
      return { type, probe: readProbe(fields), atMs: number(fields, "at_ms"), abandoned: flag(fields, "abandoned") };
    case "failed": {
      const error = readError(fields["error"]);
      if (!(error instanceof SocketError)) throw new FieldError('"error" of a refused probe has no stage');
      const probe = readProbe(fields);
      const said = fields["reply"] === undefined ? undefined : asFields(fields["reply"], '"reply"');
      const reply = said && readReply(said, probe.sequence);
      return { type, probe, atMs: number(fields, "at_ms"), error, ...(reply && { reply }) };
    }
    case "reply":
    case "late":
    case "duplicate": {
      const probe = readProbe(fields);
      const rttMs = numberOrNull(fields, "rtt_ms");
      const reply = readReply(fields, probe.sequence);
      const measured = rttMs === null ? {} : { rttMs };
      const again = flag(fields, "retransmitted") ? ({ retransmitted: true } as const) : {};
      const tapped = flag(fields, "tapped");
      return { type, probe, atMs: number(fields, "at_ms"), reply, tapped, ...measured, ...again };
    }
    case "stopped": {
      const outcome = word(fields, "outcome", OUTCOMES);
      const error = fields["error"] === undefined ? undefined : readError(fields["error"]);
      return { type, atMs: number(fields, "at_ms"), outcome, ...(error && { error }) };
    }
    default:
      return undefined;
  }
}

function readProbe(fields: Fields): Probe {
  const isDirect = fields["hop_limit"] === null;
  return {
    sequence: whole(fields, "sequence", MAX_SEQUENCE),
    hopLimit: isDirect ? 255 : whole(fields, "hop_limit", 255),
    ...(isDirect && { direct: true as const }),
    flow: whole(fields, "flow", MAX_COUNT),
    round: whole(fields, "round", MAX_COUNT),
    ...(flag(fields, "scout") && { scout: true as const }),
  };
}

function readReply(fields: Fields, sequence: number): Reply {
  const icmp = fields["icmp"] === undefined ? undefined : asFields(fields["icmp"], '"icmp"');
  return {
    sequence,
    from: address(fields, "from"),
    effect: word(fields, "effect", ["transit", "reached", "unreachable"]),
    ...(icmp && { icmp: { type: whole(icmp, "type", 255), code: whole(icmp, "code", 255) } }),
    ...(fields["mark"] !== undefined && { mark: text(fields, "mark") }),
    ...(fields["tcp_flags"] !== undefined && { tcpFlags: whole(fields, "tcp_flags", 255) }),
    ...(fields["mpls"] !== undefined && { mpls: list(fields, "mpls").slice(0, MAX_LABELS).map(readLabel) }),
    ...(fields["reply_hop_limit"] !== undefined && { replyHopLimit: whole(fields, "reply_hop_limit", 255) }),
    ...(fields["quoted_hop_limit"] !== undefined && { quotedHopLimit: whole(fields, "quoted_hop_limit", 255) }),
    ...(fields["mtu"] !== undefined && { mtu: whole(fields, "mtu", 0xffff_ffff) }),
    ...(fields["size"] !== undefined && { size: whole(fields, "size", 0xffff) }),
    ...(flag(fields, "ambiguous") && { ambiguous: true as const }),
    ...(flag(fields, "local") && { local: true as const }),
  };
}

function readLabel(value: unknown): MplsLabel {
  const fields = asFields(value, "an MPLS label");
  return {
    label: whole(fields, "label", 0xfffff),
    trafficClass: whole(fields, "traffic_class", 7),
    bottomOfStack: flag(fields, "bottom_of_stack"),
    ttl: whole(fields, "ttl", 255),
  };
}

export function readError(value: unknown): SocketError | PluginError {
  const fields = asFields(value, '"error"');
  const message = text(fields, "message");
  if (fields["stage"] === undefined) return new PluginError(message);
  const evidence = fields["evidence"] === undefined ? undefined : text(fields, "evidence");
  const action = message.replace(/^Cannot /, "").replace(/: [^:]*$/, "");
  return new SocketError(word(fields, "stage", STAGES), textOrNull(fields, "errno"), action, evidence);
}

export function address(fields: Fields, key: string): IpAddress {
  const found = parseAddress(text(fields, key));
  if (found === undefined) throw new FieldError(`"${key}" is no IP address`);
  return found;
}
