import { networkContract } from "./contract.ts";
import { simNetworkBench } from "./sim/benches.ts";
import { engineTests } from "./sim/engine-tests.ts";
import { hostTests } from "./sim/host-tests.ts";
import { streamTests } from "./sim/stream-tests.ts";

engineTests();
hostTests();
streamTests();

networkContract("the simulated network", (family) => simNetworkBench(family), {
  families: [4, 6],
  raw: true,
  ping: true,
  departures: true,
});
networkContract("the simulated network with a packet tap", (family) => simNetworkBench(family, { tap: true }), {
  families: [4, 6],
  raw: true,
  ping: true,
  departures: true,
});
