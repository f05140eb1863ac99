import assert from "node:assert/strict";
import { checkSettings } from "../../cli/commands/live.ts";
import type { CommandContext, Output } from "../../cli/context.ts";
import type { Key } from "../../cli/live/keys.ts";
import { endText, type LiveResult } from "../../cli/live/report.ts";
import { resultOf } from "../../cli/live/result.ts";
import { createSession, type Session } from "../../cli/live/session.ts";
import type { LiveEvent, LiveSettings } from "../../cli/live/settings.ts";
import { openLiveRecording } from "../../cli/record/live-file.ts";
import { parseAddress } from "../../core/mod.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import * as paths from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { builtInPlugins, defaultOrder } from "../../plugins/mod.ts";

export interface Play {
  readonly topology?: Topology;
  readonly host?: HostProfile;
  readonly options?: Parameters<typeof checkSettings>[1]["options"];
  readonly hosts?: number;
  /** When to end it; else all rounds are played. */
  readonly until?: (session: Session) => boolean;
  /** What to do as rounds go on. */
  readonly on?: (observation: Observation, session: Session) => void;
  readonly observe?: (event: LiveEvent) => void;
}

type Observation = Extract<LiveEvent, { type: "rounds" }>;

const SILENT: Output = { write() {}, isTerminal: false, columns: undefined };

/** Measures on the simulated network, in virtual time, until all rounds are over or the session is stopped. */
export async function play({
  topology = paths.plain(4),
  host = {},
  options = {},
  hosts = 1,
  on,
  observe,
  until,
}: Play) {
  let seed = 0;
  const context: CommandContext = {
    stdout: SILENT,
    stderr: SILENT,
    env: {},
    protocols: async () => ({ plugins: builtInPlugins, order: defaultOrder }),
    async openNetwork(send) {
      seed += 1;
      return createSimNetwork(topology, { seed, host, send });
    },
    reverse: async ({ text }) => `name-of-${text}`,
    hostName: "here",
    now: () => new Date("2026-01-02T03:04:05Z"),
    onInterrupt: () => () => {},
  };
  const address = parseAddress("198.51.100.10");
  assert.ok(address);
  const checked = await checkSettings(context, { options: { cycles: "10", ...options }, pluginValues: new Map() });
  const targets = Array.from({ length: hosts }, (_, at) => ({ host: `host-${at + 1}.test`, address }));
  const recording = openLiveRecording(context, { ...checked, targets }, context.now());
  const settings: LiveSettings = {
    ...checked,
    targets,
    observe(event: LiveEvent) {
      recording?.observe(event);
      observe?.(event);
      if (event.type === "rounds") on?.(event, session);
    },
  };
  let isBuilt = false;
  const session: Session = createSession(context, settings, {
    hasUnicode: true,
    hasColor: false,
    hasKeys: true,
    onChange() {
      if (isBuilt && until?.(session)) void session.stop();
    },
  });
  isBuilt = true;
  await session.done;
  const result = (): LiveResult => resultOf(context, settings, session, context.now());
  if (recording !== undefined) {
    session.state();
    await session.names.allSettled();
    recording.flush(session.names);
    recording.finish(result(), undefined);
    recording.check();
  }
  return { context, settings, session, result, report: () => endText(context, result()) };
}

/** Presses a key once, as soon as a round begins. */
export function atRound(round: number, ...keys: readonly (Key | string)[]): NonNullable<Play["on"]> {
  let isDone = false;
  return ({ event }, session) => {
    if (isDone || event.type === "stopped" || event.probe.round < round) return;
    isDone = true;
    for (const key of keys)
      session.press(typeof key === "string" && key.length === 1 ? { character: key } : (key as Key));
  };
}
