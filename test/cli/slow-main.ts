/**
 * The program on a simulated network, as a process of its own: `slow-main.ts WAY`. It says "ready" on stderr when it
 * waits for an answer, and once more after the first interrupt. `stubborn`: it waits for ever, whatever is asked of it.
 */
import { runCommandLine } from "../../cli/app.ts";
import { onProcessInterrupt, processOutput } from "../../cli/process.ts";
import type { Network } from "../../core/mod.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { plain, silent } from "../../core/sim/topologies.ts";
import { builtInPlugins, defaultOrder } from "../../plugins/mod.ts";

const way = process.argv[2] ?? "quick";
const stdout = processOutput("stdout");
const stderr = processOutput("stderr");

function slowNetwork(network: Network): Network {
  if (way === "quick") {
    stderr.write("ready\n");
    return network;
  }
  let isReady = false;
  const receive: Network["receive"] = (untilMs, signal) => {
    if (network.nowMs() < 100) return network.receive(untilMs, signal);
    if (!isReady) stderr.write("ready\n");
    isReady = true;
    return new Promise((resolve) => {
      // Keeps the process alive while it waits.
      const timer = setInterval(() => {}, 1000);
      signal?.addEventListener("abort", () => {
        if (way === "stubborn") {
          stderr.write("ready\n");
          return;
        }
        clearInterval(timer);
        resolve(undefined);
      });
    });
  };
  return {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => network.open(spec, family),
    dial: (to, hopLimit, localPort) => network.dial(to, hopLimit, localPort),
    receive,
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
}

const argv = ["trace", "198.51.100.10", "-P", "icmp", "-n", "--format", "json"];
const code = await runCommandLine(argv, {
  stdout,
  stderr,
  env: {},
  protocols: async () => ({ plugins: builtInPlugins, order: defaultOrder }),
  openNetwork: async () => slowNetwork(createSimNetwork(way === "quick" ? plain(3) : silent())),
  now: () => new Date(),
  onInterrupt: onProcessInterrupt,
});
await stdout.flush();
await stderr.flush();
process.exit(code);
