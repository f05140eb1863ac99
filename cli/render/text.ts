import { type Attempt, type AutoEvent, formatAddress, type Hop, type Names } from "../../core/mod.ts";
import type { Output } from "../context.ts";
import { printable } from "../printable.ts";
import { isRefusedHere, type RunEnd, type RunHead } from "../result.ts";
import { attemptLabel, type LadderView, labelWidthOf, ladderHeading, ladderLines } from "./attempt.ts";
import { conclusion } from "./conclusion.ts";
import { type HopView, hopLines, LEGEND, type Sign, signsOf, silentTailLines } from "./hop.ts";
import { notes } from "./notes.ts";
import type { Progress } from "./progress.ts";
import type { Paint } from "./style.ts";
import { wrapText } from "./wrap.ts";

/** Shows a run: `event` as it goes, `refresh` when a name has come, `finish` at its end. */
export interface Reporter {
  event(event: AutoEvent): void;
  refresh(): void;
  finish(end: RunEnd): void;
}

export interface TextReporterOptions {
  readonly head: RunHead;
  readonly output: Output;
  readonly progress: Progress;
  readonly paint: Paint;
  readonly names: Names;
}

const NARROWEST = 40;

/** Text for people. On a terminal lines come as they become known, elsewhere all at the end. */
export function createTextReporter(options: TextReporterOptions): Reporter {
  const { head, output, progress, paint, names } = options;
  /** The attempt of a ladder of one rung is the one to show from the start. */
  const isSingle = head.ladder.length === 1;
  const isLive = output.isTerminal;
  const width = isLive ? Math.max(output.columns || 80, NARROWEST) : undefined;
  const view: HopView = { names, paint, width };
  const ladderView: LadderView = { paint, width, labelWidth: labelWidthOf(head.ladder) };
  const attempts: Attempt[] = [];
  const printedHops = new Map<number, string>();
  let printedRungs = 0;
  let leader: Attempt | undefined;
  let isHeaded = false;
  let isLeaderTold = false;
  /** What waits to be written as one: a reader that is woken for each line takes its time from us. */
  let gathered: string | undefined;

  const print = (lines: readonly string[]): void => {
    if (lines.length === 0) return;
    progress.clear();
    const text = `${lines.join("\n")}\n`;
    if (gathered === undefined) output.write(text);
    else gathered += text;
  };

  const heading = (): void => {
    if (isHeaded) return;
    isHeaded = true;
    print([...wrapText(headLine(head), width, 2), "", ladderHeading(ladderView)]);
  };

  /** Rungs in order; `all`: also those that are still under way. */
  const rungs = (all: boolean): void => {
    for (let next = attempts[printedRungs]; next !== undefined; next = attempts[printedRungs]) {
      if (!all && next.verdict === undefined) return;
      heading();
      print(ladderLines(next, ladderView));
      printedRungs += 1;
      if (next === leader && next.verdict === undefined) isLeaderTold = true;
    }
  };

  const hopsHeading = (attempt: Attempt): void => {
    if (printedHops.size > 0) return;
    heading();
    rungs(true);
    print(["", paint("dim", `hops seen by ${attemptLabel(attempt)}`)]);
  };

  const printHop = (attempt: Attempt, hop: Hop): void => {
    hopsHeading(attempt);
    const lines = hopLines(hop, view);
    printedHops.set(hop.hop, lines.join("\n"));
    print(lines);
  };

  /** Prints the hops that will not change any more, in order. A silent one waits until a later one answers. */
  const stream = (attempt: Attempt): void => {
    const { farthestHop = 0, endHop } = attempt.path;
    for (const hop of attempt.path.hops()) {
      if (printedHops.has(hop.hop)) continue;
      const isEnd = hop.hop === endHop;
      const own = hop.probes.filter(({ probe }) => probe.scout !== true).length;
      const isPlaced = hop.responders.length > 0 || hop.hop < farthestHop || isEnd;
      const isDone = hop.settled && own >= head.trace.queries && isPlaced;
      if (!isDone || !hop.responders.every((responder) => names.settled(responder))) return;
      printHop(attempt, hop);
    }
  };

  const finishHops = (attempt: Attempt): void => {
    const hops = attempt.path.hops();
    const corrections: string[] = [];
    const lastAnswer = hops.findLastIndex((hop) => hop.responders.length > 0);
    hops.slice(0, lastAnswer + 1).forEach((hop) => {
      const lines = hopLines(hop, view);
      const printed = printedHops.get(hop.hop);
      if (printed === undefined) printHop(attempt, hop);
      else if (printed !== lines.join("\n")) corrections.push(...lines);
    });
    const tail = hops.slice(lastAnswer + 1);
    if (tail.length > 0) hopsHeading(attempt);
    print(silentTailLines(tail, view));
    const last = hops.at(-1)?.hop ?? 0;
    const withdrawn = [...printedHops.keys()].filter((number) => number > last);
    if (withdrawn.length > 0)
      corrections.push(`the path ends at hop ${last}: ${withdrawn.join(", ")} lie behind its end`);
    if (corrections.length > 0) print(["changed by later answers:", ...corrections]);
    print(legendLines(hops, paint));
  };

  return {
    event(event) {
      if (event.type === "attempt-started") attempts.push(event.attempt);
      if (event.type === "leading" || (isSingle && event.type === "attempt-started")) leader = event.attempt;
      if (!isLive) {
        if (event.type === "trace") progress.show(event.attempt);
        return;
      }
      heading();
      rungs(event.type === "leading");
      if (leader !== undefined && leader.path.sent > 0) stream(leader);
      if (event.type === "trace") progress.show(event.attempt);
    },
    refresh() {
      if (isLive && leader !== undefined) stream(leader);
    },
    finish(end) {
      gathered = "";
      heading();
      rungs(true);
      if (end.winner !== undefined && !isRefusedHere([end.winner])) finishHops(end.winner);
      print([""]);
      const sentence = conclusion(head, end, isLeaderTold);
      const style = end.winner?.verdict === "reached" ? "good" : "bad";
      print(wrapText(sentence, width, 2).map((line) => paint(style, line)));
      for (const note of notes(head, end)) print(wrapText(note, width, 2));
      output.write(gathered);
    },
  };
}

export function headLine({ target, route, trace }: RunHead): string {
  const address = printable(formatAddress(target.address));
  const name = printable(target.name);
  const who = name === address ? address : `${name} (${address})`;
  const by = route?.interface === undefined ? "" : ` (${printable(route.interface)})`;
  const from = route === undefined ? "" : ` from ${printable(formatAddress(route.source))}${by}`;
  return `nettrace to ${who}${from}, ${trace.maxHop} hops max`;
}

function legendLines(hops: readonly Hop[], paint: Paint): string[] {
  const signs = [...new Set<Sign>(hops.flatMap(signsOf))];
  return signs.length === 0 ? [] : [paint("dim", `    ${signs.map((sign) => `${sign} ${LEGEND[sign]}`).join("; ")}`)];
}
