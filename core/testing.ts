/** The second public door, `nettrace/testing`: what tests of plugins, and of programs that embed nettrace, import. */
export {
  type ConformanceOptions,
  type ConformanceRun,
  type ConformanceService,
  conformance,
} from "./conformance/conformance.ts";
export { reasonOf } from "./conformance/expect.ts";
export { type HostProfile, type OutputRule, RESTRICTED, UNPRIVILEGED } from "./sim/host.ts";
export { createSimNetwork, type SimNetwork, type SimOptions } from "./sim/network.ts";
export * as topologies from "./sim/topologies.ts";
export type * from "./sim/topology.ts";
