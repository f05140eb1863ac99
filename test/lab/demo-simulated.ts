import { runCommandLine } from "../../cli/app.ts";
import { processOutput } from "../../cli/process.ts";
import { type HostProfile, RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { scenario } from "../../core/sim/topologies.ts";
import { builtInPlugins, defaultOrder } from "../../plugins/mod.ts";

/**
 * Shows the restricted scenario on the simulated network, for machines on which no lab can be built: the real plugins,
 * tracer and command line, on a virtual clock. Rejects if the target is not reached.
 */
export async function runSimulated(): Promise<void> {
  await show("as root", RESTRICTED);
  await show("as the user nobody", { ...RESTRICTED, ...UNPRIVILEGED });
}

async function show(who: string, host: HostProfile): Promise<void> {
  const topology = scenario();
  const argv = ["auto", topology.target.v4 ?? "", "-n"];
  const stdout = processOutput("stdout");
  const stderr = processOutput("stderr");
  stdout.write(`\n(simulated, ${who}) nettrace ${argv.join(" ")}\n`);
  const code = await runCommandLine(argv, {
    stdout,
    stderr,
    env: process.env,
    protocols: async () => ({ plugins: builtInPlugins, order: defaultOrder }),
    openNetwork: async () => createSimNetwork(topology, { seed: 1, host }),
    now: () => new Date(),
    onInterrupt: () => () => undefined,
  });
  await stdout.flush();
  await stderr.flush();
  if (code !== 0) throw new Error(`Cannot show the simulated network: nettrace ended with ${code}`);
}
