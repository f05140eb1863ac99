/** Suites that every plugin and every network must pass; each function registers tests and returns. */
export type { NetworkBench } from "./contract/bench.ts";
export { networkContract } from "./contract/network-suite.ts";
export { pluginContract } from "./contract/plugin-suite.ts";
