import { setTimeout as sleep } from "node:timers/promises";
import type { CommandContext } from "../context.ts";
import { createReplaySession, exitCodeOfReplay, type RoundsRecording } from "./replay-session.ts";
import { endText } from "./report.ts";
import { showOnScreen } from "./show.ts";

/**
 * Plays a recording on the live screen, at its end too until a key ends it; prints the report, and returns the exit status
 * of what was played.
 */
export function showReplay(
  context: CommandContext,
  recording: RoundsRecording,
  speed: number | undefined,
): Promise<number> {
  return showOnScreen(context, {
    title: recording.head.target.name,
    open(options) {
      const clock = { nowMs: () => performance.now(), sleep: (ms: number) => sleep(ms) };
      const session = createReplaySession(recording, { ...options, speed, clock });
      return {
        ...session,
        // Without keys nobody could end it.
        done: options.hasKeys ? session.played.then(() => new Promise(() => {})) : session.played,
        finish(_interrupted, isHungUp) {
          const result = session.result();
          if (!isHungUp) context.stdout.write(endText(context, result));
          return exitCodeOfReplay(recording, result);
        },
      };
    },
  });
}
