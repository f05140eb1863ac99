import { DEFAULT_TRACE_OPTIONS } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import type { LiveResult } from "./report.ts";
import type { Session } from "./session.ts";
import type { LiveSettings } from "./settings.ts";

/** What was measured until now. */
export function resultOf(context: CommandContext, settings: LiveSettings, session: Session, started: Date): LiveResult {
  const { targets, names, tuning } = session;
  const { firstHop, maxHop, intervalMs } = tuning;
  return {
    targets,
    names,
    ladder: settings.ladder.map(({ plugin, port }) => ({
      protocol: plugin.name,
      port: port || (plugin.defaultPort ?? null),
    })),
    trace: { ...DEFAULT_TRACE_OPTIONS, ...settings.options.trace, firstHop, maxHop },
    intervalMs,
    started,
    durationMs: context.now().getTime() - started.getTime(),
    ...(context.hostName !== undefined && { localHost: context.hostName }),
  };
}
