import { formatAddress } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import { attemptLabel } from "../../render/attempt.ts";
import { failureClauses } from "../../render/conclusion.ts";
import { cut, cutLine, type Line, type Span, span, spread, wrapLine } from "../line.ts";
import type { TargetState } from "../state.ts";
import type { Frame } from "./frame.ts";

/** To where and from where; by which protocol, and why not by others; the tabs where there are several targets. */
export function headerLines(frame: Frame): Line[] {
  const { state, size } = frame;
  const lines = [titleLine(frame), ...wrapLine(ladderLine(frame), size.columns, size.rows < SHORT ? 1 : 2)];
  if (state.targets.length > 1) lines.push(tabLine(frame));
  return lines.map((line) => cutLine(line, size.columns));
}

/** A screen with fewer rows has none to spare. */
const SHORT = 20;

function titleLine({ state, target, size }: Frame): Line {
  const { source } = target;
  const to = formatAddress(target.address);
  const host = printable(target.host);
  const by = source?.interface === undefined ? "" : ` (${printable(source.interface)})`;
  const from = source === undefined ? "" : ` from ${formatAddress(source.address)}${by}`;
  const title: Span[] = [span(host, "bold"), span(host === to ? from : ` (${to})${from}`)];
  const { replay } = state;
  const played = replay === undefined ? "" : ` replay${replay.speed === undefined ? "" : ` x${replay.speed}`} `;
  const clock = span(`${played} ${formatElapsed(target.elapsedMs)}  ${state.now.toTimeString().slice(0, 8)}`, "dim");
  // Frozen, it tells no time.
  return spread(title, state.ui.isPaused ? [span("PAUSED", "chosen")] : [clock], size.columns);
}

function ladderLine({ target }: Frame): Line {
  const { run, phase, attempts, others } = target;
  const spans: Span[] = [];
  if (phase.type === "searching") {
    const tried = attempts.map((each) => `${attemptLabel(each)} ${each.verdict ?? "..."}`).join(", ");
    spans.push(span(`looking for a protocol that arrives${tried === "" ? "" : `: ${tried}`}`, "accent"));
    return spans;
  }
  if (run !== undefined) {
    const rounds = `${run.rounds} ${run.rounds === 1 ? "round" : "rounds"} of ${target.intervalMs / 1000} s`;
    const mode = run.mode === null || run.mode === run.label ? "" : ` (${run.mode})`;
    const isOver = phase.type === "finished" ? ", finished" : "";
    spans.push(span(run.label, "accent"), span(`${mode}, ${rounds}${isOver}`));
  }
  const refusal = run?.refusal ?? (phase.type === "stuck" ? phase.why : undefined);
  if (refusal !== undefined) spans.push(span(`${run === undefined ? "" : "; "}refused here: ${refusal}`, "bad"));
  // What is said of the protocol in use is not said again.
  const clauses = failureClauses(attempts.filter((each) => refusal === undefined || attemptLabel(each) !== run?.label));
  if (clauses.length > 0) spans.push(span(`; ${clauses.join("; ")}`, "warn"));
  if (others.length > 0) {
    spans.push(span(`; kept: ${others.map(({ label, rounds }) => `${label} ${rounds}`).join(", ")}`, "dim"));
  }
  return spans;
}

/** `1 example.com  2 example.net`: the one that is shown stands out, with a star where there is no colour. */
function tabLine({ state }: Frame): Line {
  return state.targets.flatMap((target, at): Span[] => {
    const isShown = at === state.ui.tab;
    const text = ` ${at + 1}${isShown ? "*" : " "}${cut(printable(target.host), LONGEST_TAB)}${lossOf(target)} `;
    return [span(text, isShown ? "chosen" : undefined), span(" ")];
  });
}

const LONGEST_TAB = 24;

/** What one wants to know of the targets that are not shown. */
function lossOf({ run }: TargetState): string {
  const last = run?.hops.find(({ row }) => row.hop === run.endHop)?.row;
  if (!run?.hasReached || last?.lossPercent === undefined) return "";
  return ` ${last.lossPercent.toFixed(0)}%`;
}

/** `1:02:03` */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3600);
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}
