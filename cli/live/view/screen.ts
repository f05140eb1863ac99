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

/** The whole screen: as many lines as it has rows, none wider than its columns. */
export function screenLines(state: ScreenState, size: Size): readonly Line[] {
  const target = state.targets[state.ui.tab] ?? state.targets[0];
  if (target === undefined) return [];
  const frame: Frame = { state, target, size };
  if (state.ui.isHelp) return page([...helpLines(), [span("any key: back", "dim")]], size);
  const header = headerLines(frame);
  const paneRows = paneHeight(frame, size.rows - header.length - 1);
  const tableRows = Math.max(0, size.rows - header.length - 1 - paneRows);
  const table = tableLines(frame, tableRows);
  const body = [...header, ...table, ...blank(tableRows - table.length), ...paneLines(frame, paneRows)];
  const above = body.slice(0, Math.max(0, size.rows - 1));
  return page([...above, ...blank(size.rows - 1 - above.length), footerLine(frame)], size);
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
  if (hop === undefined) return blank(rows);
  const main = mainResponder(hop);
  const who = main === undefined ? "???" : responderText(main, state.ui);
  const rule = state.hasUnicode ? "─" : "-";
  const title = `${rule}${rule} hop ${hop.row.hop}  ${who}: ${TITLES[pane]} `;
  const heading: Line = [span(title, "bold"), span(rule.repeat(Math.max(0, size.columns - title.length)), "dim")];
  const draw = { detail: detailLines, chart: chartLines, histogram: histogramLines }[pane];
  const lines = [heading, ...draw(frame, hop, rows - 1)].slice(0, rows);
  return [...lines, ...blank(rows - lines.length)];
}

/** The question that is open, what the last key brought about, or what keys there are. */
function footerLine({ state, target }: Frame): Line {
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

function blank(rows: number): Line[] {
  return Array.from({ length: Math.max(0, rows) }, () => []);
}

function page(lines: readonly Line[], { columns, rows }: Size): readonly Line[] {
  return lines.slice(0, rows).map((line) => cutLine(line, columns));
}
