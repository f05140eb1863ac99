/** The public door of nettrace: what embedders and plugin authors import. */
export * from "./address.ts";
export { createCymruLookup, readAsn, type TextLookup } from "./asn/cymru.ts";
export { isPublicAddress, type Origin, type OriginLookup } from "./asn/origin.ts";
export { createOrigins, type Origins, type OriginsOptions } from "./asn/origins.ts";
export type { Attempt } from "./auto/attempt.ts";
export { type AutoEvent, type AutoRequest, auto, DEFAULT_STAGGER_MS, type Rung } from "./auto/auto.ts";
export { describeIcmp, type UnreachableWords } from "./auto/icmp-words.ts";
export { causeOfError, loopOf } from "./auto/reason.ts";
export { REFUSED_HERE, type Verdict } from "./auto/verdict.ts";
export * from "./define-plugin.ts";
export * from "./errors.ts";
export * from "./icmp-reply.ts";
export * from "./names.ts";
export type * from "./network.ts";
export * from "./path.ts";
export type * from "./plugin.ts";
export type * from "./probe.ts";
export * from "./resolve.ts";
export { type Backend, openSystemNetwork, type SystemNetworkOptions } from "./socket/system.ts";
export * from "./statistics.ts";
export { DEFAULT_TRACE_OPTIONS, type TraceOptions } from "./tracer/options.ts";
export type { RefusalPolicy } from "./tracer/run.ts";
export type { Decision, Schedule, ScheduleFactory, Slot } from "./tracer/schedule.ts";
export { type TraceRequest, trace } from "./tracer/trace.ts";
export * from "./udp-service.ts";
/** Codecs of packets: pure functions over octets. */
export * as wire from "./wire/mod.ts";
