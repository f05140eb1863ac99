import { type Column, chooseColumns, formatMs } from "../columns.ts";
import { cutLine, type Line, left, lineWidth, right, type Span, span, widthOf } from "../line.ts";
import { BLOCKS, DIGITS, type Glyphs, type Scale, scaleOf, sparkline } from "../sparkline.ts";
import type { HopState } from "../state.ts";
import type { Frame } from "./frame.ts";
import { hostSpans, mainResponder, mplsText, originText, responderText } from "./hosts.ts";

/** How the columns lie, the same for all rows. */
interface Layout {
  readonly host: number;
  /** 0: not shown. */
  readonly origin: number;
  readonly originTitle: string;
  readonly numbers: readonly Column[];
  readonly history: number;
  readonly glyphs: Glyphs;
  readonly scale: Scale | undefined;
}

/** `>12. ` */
const NUMBER = 5;
const LEAST_HOST = 16;
const LEAST_HISTORY = 8;
const MOST_HISTORY = 200;
const ORIGIN = { off: 0, number: 11, prefix: 20, country: 8, registry: 9, allocated: 11, holder: 21 } as const;

const TITLES = {
  off: "",
  number: "Origin",
  prefix: "Prefix",
  country: "Country",
  registry: "Registry",
  allocated: "Allocated",
  holder: "Holder",
} as const;

/** The table's heading and so many rows of it, scrolled so that the chosen hop is among them. */
export function tableLines(frame: Frame, rows: number): Line[] {
  const { target, size } = frame;
  const hops = target.run?.hops ?? [];
  const layout = layOut(frame, hops);
  const blocks = hops.map((hop) => hopLines(frame, layout, hop));
  const chosen = chosenHop(frame);
  const body = scroll(blocks, chosen === undefined ? 0 : hops.indexOf(chosen), Math.max(0, rows - 1));
  const lines = [headingLine(layout), ...body];
  if (hops.length === 0) lines.push([span(target.run === undefined ? "" : "  no answer yet", "dim")]);
  return lines.slice(0, rows).map((line) => cutLine(line, size.columns));
}

/** The hop that panes are about. */
export function chosenHop({ state, target }: Frame): HopState | undefined {
  const hops = target.run?.hops ?? [];
  return hops.find(({ row }) => row.hop === state.ui.chosen) ?? hops[0];
}

function layOut({ state, size }: Frame, hops: readonly HopState[]): Layout {
  const { ui } = state;
  const hasNumbers = ui.display === "table";
  const origin = size.columns >= 60 ? ORIGIN[ui.origin] : 0;
  const taken = NUMBER + origin + LEAST_HOST + LEAST_HISTORY + 1;
  const numbers = chooseColumns(hasNumbers ? ui.columns : { order: "LHN" }, size.columns, taken);
  const fixed = NUMBER + origin + numbers.reduce((sum, { width }) => sum + width, 0) + 1;
  const rest = Math.max(0, size.columns - fixed);
  const needed = Math.max(LEAST_HOST, ...hops.map((hop) => hostWidth(hop, ui) + 1));
  // In steps, so that the columns do not move with each name that comes.
  const wanted = Math.ceil(needed / 8) * 8;
  const host = Math.min(wanted, Math.max(LEAST_HOST, rest - (hasNumbers ? LEAST_HISTORY : Math.floor(rest / 2))));
  const history = Math.max(0, Math.min(MOST_HISTORY, rest - host));
  return {
    host,
    origin,
    originTitle: TITLES[ui.origin],
    numbers,
    history,
    glyphs: state.hasUnicode && ui.display !== "levels" ? BLOCKS : DIGITS,
    scale: scaleOf(hops.map(({ row }) => row.history.slice(-history))),
  };
}

function hostWidth(hop: HopState, ui: Frame["state"]["ui"]): number {
  return lineWidth(hostSpans(hop, ui, Number.POSITIVE_INFINITY));
}

function headingLine({ host, origin, originTitle, numbers, history, scale, glyphs }: Layout): Line {
  const start = `${right("#", NUMBER - 2)}  ${left("Host", host)}${left(origin > 0 ? originTitle : "", origin)}`;
  const titles = numbers.map(({ title, width }) => right(title, width)).join("");
  return [span(`${start}${titles} ${historyTitle(history, scale, glyphs)}`, "bold")];
}

/** `History ▁0.12 █85.0 ×lost`, as much of it as there is room for. */
function historyTitle(columns: number, scale: Scale | undefined, { levels, lost }: Glyphs): string {
  const legend =
    scale === undefined ? "" : `${levels[0]} ${formatMs(scale.lowMs)}  ${levels.at(-1)} ${formatMs(scale.highMs)} ms`;
  const texts = [`History  ${legend}  ${lost} lost`, `${legend} ${lost} lost`, legend, "History"];
  return texts.find((text) => widthOf(text) <= columns && text.trim() !== "") ?? "";
}

function hopLines(frame: Frame, layout: Layout, hop: HopState): Line[] {
  const { state } = frame;
  const { ui, thresholds, hasColor } = state;
  const { row } = hop;
  const isChosen = chosenHop(frame) === hop && (ui.chosen !== undefined || ui.pane !== "none");
  const host = hostSpans(hop, ui, layout.host - 1);
  const main = mainResponder(hop);
  const origin = main === undefined ? "" : originText(main, ui.origin);
  const first: Line = [
    span(`${isChosen ? ">" : " "}${right(String(row.hop), 2)}. `, isChosen ? "bold" : undefined),
    ...host,
    span(" ".repeat(Math.max(0, layout.host - lineWidth(host)))),
    ...(layout.origin > 0 ? [span(left(origin, layout.origin - 1), "dim"), span(" ")] : []),
    ...layout.numbers.map(({ cell }) => cell(hop, { thresholds, hasColor })),
    span(" "),
    ...sparkline(row.history, layout.history, layout.scale, layout.glyphs, thresholds.rtt),
  ];
  return [first, ...moreLines(frame, layout, hop)];
}

/** Labels, and the other responders of a hop that is expanded. */
function moreLines({ state }: Frame, layout: Layout, hop: HopState): Line[] {
  const { ui } = state;
  const main = mainResponder(hop);
  const isExpanded = ui.expanded === "all" || ui.expanded.has(hop.row.hop);
  const others = isExpanded ? hop.responders.filter((each) => each !== main) : [];
  const labels = (responder: HopState["responders"][number] | undefined): Line[] =>
    ui.hasMpls
      ? (responder?.mpls ?? []).map((each) => [span(`${" ".repeat(NUMBER + 1)}${mplsText(each)}`, "dim")])
      : [];
  return [
    ...labels(main),
    ...others.flatMap((responder): Line[] => {
      const share = right(`${(100 * responder.share).toFixed(0)}%`, 4);
      const who = left(responderText(responder, ui), layout.host - 1);
      const more: Span[] = [span(`${" ".repeat(NUMBER)}${who} `), span(originText(responder, ui.origin), "dim")];
      return [[...more, span(`${share} of its answers`, "dim")], ...labels(responder)];
    }),
  ];
}

/** So many lines of the blocks, with the chosen block in sight. */
function scroll(blocks: readonly (readonly Line[])[], chosen: number, rows: number): Line[] {
  const lines = blocks.flat();
  const before = blocks.slice(0, Math.max(0, chosen)).flat().length;
  const end = before + (blocks[Math.max(0, chosen)]?.length ?? 0);
  const first = Math.min(before, Math.max(0, end - rows));
  const lastStart = Math.max(0, lines.length - rows);
  return lines.slice(Math.min(first, lastStart), Math.min(first, lastStart) + rows);
}
