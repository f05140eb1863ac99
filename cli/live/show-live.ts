import type { CommandContext } from "../context.ts";
import { openLiveRecording } from "../record/live-file.ts";
import { endText, exitCodeOfTargets } from "./report.ts";
import { resultOf } from "./result.ts";
import { createSession } from "./session.ts";
import type { LiveSettings } from "./settings.ts";
import { showOnScreen } from "./show.ts";

/** Measures and shows until it is ended, prints the report, and returns the exit status. Throws UsageError. */
export async function showLive(context: CommandContext, given: LiveSettings): Promise<number> {
  const started = context.now();
  const recording = openLiveRecording(context, given, started);
  const settings: LiveSettings = recording === undefined ? given : { ...given, observe: recording.observe };
  const code = await showOnScreen(context, {
    title: settings.targets.map(({ host }) => host).join(", "),
    open(options) {
      const session = createSession(context, settings, options);
      return {
        ...session,
        done: Promise.race([session.done, ...(recording === undefined ? [] : [recording.failed])]),
        onClock: () => recording?.flush(session.names),
        finish(interrupted, isHungUp) {
          const result = resultOf(context, settings, session, started);
          recording?.finish(result, interrupted);
          if (!isHungUp) context.stdout.write(endText(context, result));
          return exitCodeOfTargets(session.targets);
        },
      };
    },
  });
  recording?.check();
  return code;
}
