import assert from "node:assert/strict";
import { lineText, lineWidth } from "../../cli/live/line.ts";
import { createProtocolRun, type ProtocolRun } from "../../cli/live/protocol-run.ts";
import type { ScreenState, TargetState } from "../../cli/live/state.ts";
import { DEFAULT_THRESHOLDS } from "../../cli/live/thresholds.ts";
import { FIRST_UI, type Ui } from "../../cli/live/ui.ts";
import type { Size } from "../../cli/live/view/frame.ts";
import { screenLines } from "../../cli/live/view/screen.ts";
import { createRoundsSchedule, type Origin, parseAddress, trace } from "../../core/mod.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

export interface Scene {
  readonly topology: Topology;
  readonly protocol?: string;
  readonly rounds?: number;
  readonly host?: HostProfile;
  readonly names?: Readonly<Record<string, string>>;
  readonly origins?: Readonly<Record<string, Origin>>;
  readonly flow?: "constant" | "vary";
}

/** A path that was asked on the simulated network, in virtual time. */
async function measured({
  topology,
  protocol = "icmp",
  rounds = 20,
  host = {},
  flow = "constant",
}: Scene): Promise<ProtocolRun> {
  using network = createSimNetwork(topology, { seed: 7, host });
  const plugin = builtInPlugins.find(({ name }) => name === protocol);
  assert.ok(plugin);
  const run = createProtocolRun({ protocol, port: protocol.startsWith("tcp-") ? 443 : null });
  const events = trace(network, {
    plugin,
    target: endpointOf(topology, 4, protocol.startsWith("tcp-") ? 443 : 0),
    trace: { flow },
    schedule: createRoundsSchedule({ intervalMs: 1000, cycles: rounds, perProbeTimeoutMs: 2000, graceMs: 2000 }),
    onRefusal: "continue",
    onOpen: (mode) => run.begin(mode),
  });
  for await (const event of events) run.apply(event);
  return run;
}

/** The target of a scene, after its rounds. */
export async function targetState(scene: Scene): Promise<TargetState> {
  const run = await measured(scene);
  const address = parseAddress("198.51.100.10");
  assert.ok(address);
  const book = {
    nameOf: ({ text }: { readonly text: string }) => scene.names?.[text],
    originOf: ({ text }: { readonly text: string }) => scene.origins?.[text],
  };
  return {
    host: "dst.test",
    address,
    phase: { type: "measuring" },
    attempts: [],
    run: run.state(book),
    others: [],
    intervalMs: 1000,
    elapsedMs: 1000 * (scene.rounds ?? 20),
  };
}

export function stateOf(
  targets: readonly TargetState[],
  ui: Partial<Ui> = {},
  more: Partial<ScreenState> = {},
): ScreenState {
  return {
    targets,
    ui: { ...FIRST_UI, ...ui },
    thresholds: DEFAULT_THRESHOLDS,
    now: new Date(2026, 0, 2, 3, 4, 5),
    hasUnicode: true,
    hasColor: false,
    hasKeys: true,
    ...more,
  };
}

export const SMALL: Size = { columns: 80, rows: 24 };
export const LARGE: Size = { columns: 200, rows: 60 };

/** The screen as text; fails where it does not fit. */
export function textOf(state: ScreenState, size: Size = SMALL): string {
  const lines = screenLines(state, size);
  assert.ok(lines.length <= size.rows, `${lines.length} lines on ${size.rows} rows`);
  for (const line of lines) assert.ok(lineWidth(line) <= size.columns, `too wide: ${lineText(line)}`);
  return lines.map(lineText).join("\n");
}

/** The line of a hop. */
export function hopLine(text: string, hop: number): string {
  return text.split("\n").find((line) => new RegExp(`^[> ]${String(hop).padStart(2)}\\. `).test(line)) ?? "";
}
