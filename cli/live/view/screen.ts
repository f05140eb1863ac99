import { cutLine, type Line, span } from "../line.ts";
import type { ScreenState } from "../state.ts";
import type { Pane } from "../ui.ts";
import { chartLines } from "./chart.ts";
import { detailLines } from "./detail.ts";
import type { Frame, Size } from "./frame.ts";
import { headerLines } from "./header.ts";
import { helpLines } from "./help.ts";
import { histogramLines } from "./histogram.ts";
import { mainResponder, responderText } from "./hosts.ts";
import { chosenHop, tableLines } from "./table.ts";

/**
 * The whole screen: at most as many lines as it has rows, none wider than its columns. What is not needed is left out: the
 * library that draws takes its time for every cell.
 */
export function screenLines(state: ScreenState, size: Size): readonly Line[] {
  const target = state.targets[state.ui.tab] ?? state.targets[0];
  if (target === undefined) return [];
  const frame: Frame = { state, target, size };
  if (state.ui.isHelp) return page([...helpLines(), [span("any key: back", "dim")]], size);
  const head = [...headerLines(frame), keyLine(frame)];
  const paneRows = paneHeight(frame, size.rows - head.length);
  const table = tableLines(frame, Math.max(0, size.rows - head.length - paneRows));
  return page([...head, ...table, ...paneLines(frame, paneRows)], size);
}

/** A third of the screen, where the table keeps some rows. */
function paneHeight({ state }: Frame, rows: number): number {
  if (state.ui.pane === "none" || rows < 8) return 0;
  return Math.min(20, Math.max(6, Math.floor(rows * 0.4)));
}

const TITLES: Readonly<Record<Exclude<Pane, "none">, string>> = {
  detail: "details",
  chart: "over time",
  histogram: "how many took how long",
};

function paneLines(frame: Frame, rows: number): Line[] {
  const { state, size } = frame;
  const { pane } = state.ui;
  if (pane === "none" || rows < 2) return [];
  const hop = chosenHop(frame);
  if (hop === undefined) return [];
  const main = mainResponder(hop);
  const who = main === undefined ? "???" : responderText(main, state.ui);
  const rule = state.hasUnicode ? "─" : "-";
  const title = `${rule}${rule} hop ${hop.row.hop}  ${who}: ${TITLES[pane]} `;
  const heading: Line = [span(title, "bold"), span(rule.repeat(Math.max(0, size.columns - title.length)), "dim")];
  const draw = { detail: detailLines, chart: chartLines, histogram: histogramLines }[pane];
  return [heading, ...draw(frame, hop, rows - 1)].slice(0, rows);
}

/** The question that is open, what the last key brought about, or what keys there are. */
function keyLine({ state, target }: Frame): Line {
  const { prompt, message } = state.ui;
  if (prompt !== undefined) return [span(prompt.question, "bold"), span(`${prompt.text}_`)];
  if (message !== undefined) return [span(message, "accent")];
  if (!state.hasKeys) return [span("standard input is no terminal: no keys; Ctrl-C ends it", "dim")];
  if (target.phase.type === "stuck") return [span("u t P: another protocol   a: try all again   q: quit", "bold")];
  const arrows = state.hasUnicode ? "↑↓ hop  ←→ panes" : "arrows: hop, panes";
  const last = state.targets.length > 1 ? "tab target" : "r reset";
  const pause = state.ui.isPaused ? "space go on" : "p pause";
  return [span(`? help  q quit  ${pause}  ${arrows}  d display  t tcp  u udp  ${last}`, "dim")];
}

function page(lines: readonly Line[], { columns, rows }: Size): readonly Line[] {
  return lines.slice(0, rows).map((line) => cutLine(line, columns));
}
