import { DEFAULT_TRACE_OPTIONS, type Names } from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import type { LiveResult } from "../live/report.ts";
import type { LiveEvent, LiveSettings } from "../live/settings.ts";
import type { LiveHead } from "../render/report.ts";
import { openRecordingFile } from "./file.ts";
import { createLiveRecorder } from "./live-recorder.ts";

/** The file of `live --record`. What cannot be written must not end the measuring in the middle of a send. */
export interface LiveRecording {
  readonly observe: (event: LiveEvent) => void;
  /** Brings to the file what has come, names too. */
  flush(names: Names): void;
  finish(result: LiveResult, interrupted: InterruptSignal | undefined): void;
  /** Resolves once something could not be written; nothing is written any more. */
  readonly failed: Promise<void>;
  /** Throws UsageError where something could not be written. */
  check(): void;
}

/** Undefined where nothing is to be recorded. Throws UsageError where the file cannot be opened. */
export function openLiveRecording(
  context: CommandContext,
  settings: LiveSettings,
  started: Date,
): LiveRecording | undefined {
  const path = settings.options.record;
  if (path === undefined) return undefined;
  const file = openRecordingFile(path);
  const { promise: failed, resolve: fail } = Promise.withResolvers<void>();
  let failure: { readonly error: unknown } | undefined;
  const guarded = (write: () => void): void => {
    if (failure !== undefined) return;
    try {
      write();
    } catch (error) {
      failure = { error };
      fail();
    }
  };
  const recorder = createLiveRecorder({ head: headOf(context, settings, started), write: file.write });
  return {
    observe: (event) => guarded(() => recorder.note(event)),
    flush: (names) =>
      guarded(() => {
        recorder.tell(names);
        file.flush();
      }),
    finish(result, interrupted) {
      guarded(() => {
        recorder.finish(result, interrupted);
        file.flush();
      });
      file.close();
    },
    failed,
    check() {
      if (failure !== undefined) throw failure.error;
    },
  };
}

function headOf(context: CommandContext, settings: LiveSettings, started: Date): LiveHead {
  const { targets, tuning, ladder, options } = settings;
  const [first] = targets;
  if (first === undefined) throw new TypeError("Cannot record: there is no target");
  return {
    command: "live",
    target: { name: first.host, address: first.address },
    route: first.route,
    targets,
    trace: { ...DEFAULT_TRACE_OPTIONS, ...options.trace, firstHop: tuning.firstHop, maxHop: tuning.maxHop },
    ladder: ladder.map(({ plugin, port }) => ({ protocol: plugin.name, port: port || (plugin.defaultPort ?? null) })),
    started,
    cycles: settings.cycles ?? 0,
    intervalMs: tuning.intervalMs,
    ...(context.hostName !== undefined && { localHost: context.hostName }),
  };
}
