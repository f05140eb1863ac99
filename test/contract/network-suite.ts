import { describe, it } from "node:test";
import type { BenchMaker } from "../../core/conformance/bench.ts";
import type { NetworkAbilities, NetworkBench, NetworkTester } from "./bench.ts";
import { clockTests, routeTests, socketTests } from "./network-basics.ts";
import { probeTests } from "./network-probes.ts";
import { streamTests } from "./network-streams.ts";

/** Registers the tests that every network passes. `makeBench` makes a new one for each test. */
export function networkContract(name: string, makeBench: BenchMaker<NetworkBench>, abilities: NetworkAbilities): void {
  const has: Omit<NetworkAbilities, "families"> = {
    udp: true,
    errors: abilities.udp ?? true,
    dial: true,
    rawTcp: abilities.raw,
    ...abilities,
  };
  for (const family of abilities.families) {
    describe(`${name}, a network, over IPv${family}`, () => {
      const test: NetworkTester = (title, body, needs) => {
        if (needs !== undefined && has[needs] !== true) {
          it(title, { skip: `this host has no ${needs}` }, () => undefined);
          return;
        }
        it(title, async () => {
          const bench = await makeBench(family);
          using _network = bench.network;
          await body(bench);
        });
      };
      clockTests(test);
      routeTests(test);
      socketTests(test);
      probeTests(test);
      streamTests((title, body) => test(title, body, "dial"));
    });
  }
}
