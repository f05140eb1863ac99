/** The public door of nettrace: what embedders and plugin authors import. */
export * from "./address.ts";
export type { Attempt } from "./auto/attempt.ts";
export { type AutoEvent, type AutoRequest, auto, DEFAULT_STAGGER_MS, type Rung } from "./auto/auto.ts";
export { describeIcmp, type UnreachableWords } from "./auto/icmp-words.ts";
export { causeOfError, loopOf } from "./auto/reason.ts";
export { REFUSED_HERE, type Verdict } from "./auto/verdict.ts";
export * from "./errors.ts";
export * from "./icmp-reply.ts";
export type * from "./network.ts";
export * from "./path.ts";
export type * from "./plugin.ts";
export type * from "./probe.ts";
export { openSystemNetwork, type SystemNetworkOptions } from "./socket/system.ts";
export * from "./statistics.ts";
export { DEFAULT_TRACE_OPTIONS, type TraceOptions } from "./tracer/options.ts";
export { type TraceRequest, trace } from "./tracer/trace.ts";
export * as wire from "./wire/mod.ts";
