import { PluginError, SocketError, type Stage, UsageError } from "../errors.ts";
import { createPath, type Path } from "../path.ts";
import type { TraceEvent } from "../probe.ts";
import type { Driver, Protocol, StartedRun } from "../tracer/driver.ts";
import { causeOfError, reasonOfPath } from "./reason.ts";
import { type Verdict, verdictOfError, verdictOfPath } from "./verdict.ts";

/** One protocol tried by `auto`: what is known of it so far. */
export interface Attempt {
  /** Position in the ladder, from 0. */
  readonly index: number;
  readonly protocol: string;
  /** Null for protocols without ports. */
  readonly port: number | null;
  /** Null where no socket could be opened. */
  readonly mode: string | null;
  /** Undefined while it is under way. */
  readonly verdict: Verdict | undefined;
  readonly stage: Stage | null;
  readonly errno: string | null;
  /** Why, in words, one line; empty while it is under way. */
  readonly reason: string;
  readonly path: Path;
  /** Sends that the host refused, retries included. */
  readonly refusedSends: number;
  /** Answers that met some probe of this attempt, nobody can say which: what counts as lost may be among them. */
  readonly unattributed: number;
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  readonly durationMs: number | undefined;
}

export interface LiveAttempt extends Attempt {
  readonly ended: boolean;
  /** The host has refused every send so far. */
  readonly suspected: boolean;
  /** Opens the sockets and sends the first probes. */
  begin(): void;
  /** Notices that the trace has ended by itself. */
  settle(nowMs: number): void;
  /** Ends it. `overtaken`: it had a fair time, and the target stayed silent. */
  stop(nowMs: number, overtaken: boolean): void;
}

export interface AttemptRequest {
  readonly driver: Driver;
  readonly index: number;
  readonly protocol: Protocol;
  readonly nowMs: number;
  readonly onEvent: (event: TraceEvent) => void;
  readonly onEnded: () => void;
}

export function openAttempt(request: AttemptRequest): LiveAttempt {
  const { driver, index, protocol, nowMs: startedMs, onEvent, onEnded } = request;
  const { plugin, target } = protocol;
  const path = createPath();
  let started: StartedRun | undefined;
  let mode: string | null = null;
  let verdict: Verdict | undefined;
  let error: SocketError | PluginError | undefined;
  let reason = "";
  let durationMs: number | undefined;
  let refusedSends = 0;
  let unattributed = 0;

  const end = (nowMs: number, ending: Verdict, why: string): void => {
    verdict = ending;
    reason = why;
    durationMs = nowMs - startedMs;
    refusedSends = started?.run.refusedSends ?? 0;
    unattributed = started?.run.unattributed ?? 0;
    try {
      started?.[Symbol.dispose]();
    } catch (cause) {
      // What the path has shown stands.
      if (verdict !== "reached") {
        verdict = "faulty";
        error = cause instanceof PluginError ? cause : undefined;
      }
      reason = [why, cause instanceof Error ? cause.message : String(cause)].filter((part) => part !== "").join("; ");
    }
    onEnded();
  };

  const settle = (nowMs: number, overtaken: boolean): void => {
    if (verdict !== undefined || started === undefined || !started.run.ended) return;
    error = path.stoppedBy;
    const ending = verdictOfPath(path, overtaken);
    end(nowMs, ending, reasonOfPath(path, ending));
  };

  return {
    index,
    protocol: plugin.name,
    port: target.port === 0 ? null : target.port,
    path,
    startedMs,
    get mode() {
      return started?.session.mode ?? mode;
    },
    get verdict() {
      return verdict;
    },
    get stage() {
      return error instanceof SocketError ? error.stage : null;
    },
    get errno() {
      return error instanceof SocketError ? error.errno : null;
    },
    get reason() {
      return reason;
    },
    get refusedSends() {
      return started?.run.refusedSends ?? refusedSends;
    },
    get unattributed() {
      return started?.run.unattributed ?? unattributed;
    },
    get durationMs() {
      return durationMs;
    },
    get ended() {
      return verdict !== undefined;
    },
    get suspected() {
      return started?.run.suspected ?? false;
    },
    begin() {
      try {
        started = driver.start(protocol, (event) => {
          path.apply(event);
          onEvent(event);
        });
      } catch (cause) {
        if (cause instanceof UsageError) {
          end(startedMs, "unsupported", cause.message);
          return;
        }
        error =
          cause instanceof SocketError || cause instanceof PluginError
            ? cause
            : new PluginError(`Cannot open ${plugin.name}: ${cause}`);
        end(startedMs, verdictOfError(error), causeOfError(error));
        return;
      }
      mode = started.session.mode;
      started.run.poll(startedMs, undefined);
      settle(startedMs, false);
    },
    settle: (nowMs) => settle(nowMs, false),
    stop(nowMs, overtaken) {
      if (verdict !== undefined) return;
      started?.run.stop("aborted", nowMs);
      settle(nowMs, overtaken);
    },
  };
}
