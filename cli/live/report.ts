import { DEFAULT_TRACE_OPTIONS } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { exitCodeOfReport } from "../render/report.ts";
import { reportLines } from "../render/report-text.ts";
import { createPaint } from "../render/style.ts";
import type { Watched } from "../rounds.ts";
import type { Session } from "./session.ts";
import type { LiveSettings } from "./settings.ts";
import type { Measuring } from "./target.ts";

/** What `nettrace report` would have printed of what was measured: of every target, by every protocol that was in use. */
export function endText(
  context: CommandContext,
  settings: LiveSettings,
  { targets, names, tuning }: Session,
  started: Date,
): string {
  const { stdout, env } = context;
  const view = { names, output: stdout, paint: createPaint(stdout, env) };
  const durationMs = context.now().getTime() - started.getTime();
  const textOf = ({ target, attempts, winner }: Measuring, watched: Watched | undefined): string => {
    const head = {
      command: "report" as const,
      target: { name: target.host, address: target.address },
      route: target.route,
      trace: {
        ...DEFAULT_TRACE_OPTIONS,
        ...settings.options.trace,
        firstHop: tuning.firstHop,
        maxHop: tuning.maxHop,
      },
      ladder: settings.ladder.map(({ plugin, port }) => ({
        protocol: plugin.name,
        port: port || (plugin.defaultPort ?? null),
      })),
      started,
      // It was to last for as long as it did.
      cycles: watched?.table.rounds ?? 0,
      intervalMs: tuning.intervalMs,
      ...(context.hostName !== undefined && { localHost: context.hostName }),
    };
    return reportLines(
      head,
      {
        attempts,
        winner,
        durationMs,
        interrupted: undefined,
        exitCode: EXIT.reached,
        ...(watched !== undefined && { watched }),
      },
      view,
    );
  };
  return targets
    .flatMap((target) => {
      const watched = target.watched();
      return watched.length === 0 ? [textOf(target, undefined)] : watched.map((each) => textOf(target, each));
    })
    .join("\n");
}

/** As `report`: 0 where every target was reached, 3 where this host let nothing out to any, 1 else. */
export function exitCodeOfTargets(targets: readonly Measuring[]): number {
  const codes = targets.map(({ attempts, watched }) => {
    const all = watched();
    if (all.length === 0) return exitCodeOfReport({ interrupted: undefined, attempts });
    // They are in the order of what was achieved: the best of its protocols counts.
    return Math.min(...all.map((each) => exitCodeOfReport({ interrupted: undefined, watched: each })));
  });
  if (codes.every((code) => code === EXIT.reached)) return EXIT.reached;
  return codes.every((code) => code === EXIT.refusedHere) ? EXIT.refusedHere : EXIT.notReached;
}
