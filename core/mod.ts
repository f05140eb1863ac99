/** The public door of nettrace: what embedders and plugin authors import. */
export * from "./address.ts";
export * from "./ascii-name.ts";
export { createCymruLookup, readAsn, type TextLookup } from "./asn/cymru.ts";
export { isPublicAddress, type Origin, type OriginField, type OriginLookup } from "./asn/origin.ts";
export { createOrigins, joinOriginLookups, type Origins, type OriginsOptions } from "./asn/origins.ts";
export type { Attempt } from "./auto/attempt.ts";
export { type AutoEvent, type AutoRequest, auto, DEFAULT_STAGGER_MS, type Rung } from "./auto/auto.ts";
export { type Asked, type DroppedHere, watchDrops } from "./auto/dropped-here.ts";
export { describeIcmp, type UnreachableWords } from "./auto/icmp-words.ts";
export { causeOfError, loopOf } from "./auto/reason.ts";
export { REFUSED_HERE, type Verdict } from "./auto/verdict.ts";
export * from "./define-plugin.ts";
export { type EgressRefusal, type EgressReport, type EgressRequest, measureEgress } from "./egress/egress.ts";
export * from "./egress/finding.ts";
export { OPERATORS_PORTS } from "./egress/ports.ts";
export * from "./errors.ts";
export type { HopRow, Responder, RoundEntry } from "./hop-tally.ts";
export * from "./icmp-listener.ts";
export { openManyEchoes } from "./icmp-many.ts";
export * from "./icmp-reply.ts";
export { createErrorReader, type ManyError } from "./many-errors.ts";
export * from "./names.ts";
export type * from "./network.ts";
export * from "./padding.ts";
export * from "./path.ts";
export type * from "./plugin.ts";
export type * from "./probe.ts";
export type { ProxyCredentials, ProxyDestination } from "./proxy/http-connect.ts";
export { type ProxyReachRequest, type ProxyServer, reachThroughProxy } from "./proxy/reach.ts";
export type * from "./proxy/result.ts";
export type { ProxyCertificate, TlsAnswer } from "./proxy/tls.ts";
export * from "./resolve.ts";
export * from "./rounds.ts";
export type { ScanCounts } from "./scan/engine.ts";
export { createLedger, type Ledger, type ScanProgress } from "./scan/ledger.ts";
export { DEFAULT_SCAN_OPTIONS, type ScanOptions } from "./scan/options.ts";
export type { ScanHop, ScanOutcome, ScanRow } from "./scan/row.ts";
export { type ScanEnd, type ScanRequest, scan } from "./scan/scan.ts";
export { createStopSet, type StopEntry, type StopSet } from "./scan/stop-set.ts";
export { parseTargets, type ScanTarget, type SkipReason, type TargetSet } from "./scan/targets.ts";
export { type Inspection, inspectSockets, type SocketTrial } from "./socket/inspect.ts";
export {
  isPrivileged,
  PrivilegeError,
  type ReservedSockets,
  type Resigned,
  type ResignOptions,
  resignPrivileges,
} from "./socket/privileges.ts";
export { releaseProgramText } from "./socket/program-text.ts";
export { type Backend, openSystemNetwork, type SystemNetworkOptions } from "./socket/system.ts";
export * from "./statistics.ts";
export * from "./tcp-service.ts";
export { DEFAULT_TRACE_OPTIONS, type TraceOptions } from "./tracer/options.ts";
export { createPingSchedule, type PingScheduleOptions } from "./tracer/ping-schedule.ts";
export { createRoundsSchedule, type RoundsControl, type RoundsOptions } from "./tracer/rounds-schedule.ts";
export type { RefusalPolicy } from "./tracer/run.ts";
export type { Decision, Schedule, ScheduleFactory, Slot } from "./tracer/schedule.ts";
export { hopsBack, type SweepCell, type SweepWait } from "./tracer/sweep-cells.ts";
export { createSweep, type Sweep, type SweepOptions, type SweepTurn } from "./tracer/sweep-schedule.ts";
export { type TraceRequest, trace } from "./tracer/trace.ts";
export { limitedHops } from "./transit-loss.ts";
export * from "./udp-service.ts";
/** Codecs of packets: pure functions over octets. */
export * as wire from "./wire/mod.ts";
