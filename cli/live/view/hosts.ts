import { describeIcmp, formatAddress, type MplsLabel } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import { cut, type Span, span, widthOf } from "../line.ts";
import type { HopState, ResponderState } from "../state.ts";
import type { Ui } from "../ui.ts";

/** A responder as the table names it. */
export function responderText({ address, name }: ResponderState, { hasNames, hasBoth }: Ui): string {
  const text = formatAddress(address);
  if (!hasNames || name === undefined) return text;
  return hasBoth ? `${printable(name)} (${text})` : printable(name);
}

/** `AS64500`, `AS64500/AS64501`, or another thing that is known of the network; `AS???` and `???` where it is unknown. */
export function originText({ origin }: ResponderState, view: Ui["origin"]): string {
  if (view === "off") return "";
  if (view !== "number" && view !== "holder") return printable(origin?.[view] ?? "???");
  if (origin === undefined) return "AS???";
  if (view === "holder" && origin.holder !== undefined) return printable(origin.holder);
  return origin.asns.map((asn) => `AS${asn}`).join("/");
}

/** From whom the latest answer came; the first that ever answered where that is unknown. */
export function mainResponder({ responders }: HopState): ResponderState | undefined {
  return responders.find(({ isLatest }) => isLatest) ?? responders[0];
}

/** What a hop is called: name or address, how many others answer there too, and what was said of it. */
export function hostSpans(hop: HopState, ui: Ui, columns: number): Span[] {
  const main = mainResponder(hop);
  if (main === undefined) return [span("???", "dim")];
  const count = hop.responders.length - 1 + (hop.row.otherResponders > 0 ? 1 : 0);
  const others = count > 0 ? span(` +${count}${hop.row.otherResponders > 0 ? "..." : ""}`, "accent") : undefined;
  const tail = [...(others === undefined ? [] : [others]), ...markSpans(hop)];
  const room = columns - tail.reduce((sum, { text }) => sum + widthOf(text), 0);
  // What stands behind gives way rather than the name altogether.
  if (room < LEAST_NAME) return [span(cut(responderText(main, ui), columns))];
  return [span(cut(responderText(main, ui), room)), ...tail];
}

const LEAST_NAME = 8;

/** `!H`, `open`: what the commonest answer that is no plain one says, and a plugin's word. */
function markSpans({ row }: HopState): Span[] {
  const [refused] = row.icmp.flatMap((each) => {
    const mark = describeIcmp(each, each.family)?.mark ?? "";
    return mark === "" ? [] : [mark];
  });
  const [word] = row.marks;
  return [
    ...(refused === undefined ? [] : [span(` ${refused}`, "bad")]),
    ...(word === undefined ? [] : [span(` ${cut(printable(word.mark), LONGEST_MARK)}`, "good")]),
  ];
}

const LONGEST_MARK = 12;

/** As mtr writes it. */
export function mplsText({ label, trafficClass, bottomOfStack, ttl }: MplsLabel): string {
  return `[MPLS: Lbl ${label} TC ${trafficClass} S ${bottomOfStack ? 1 : 0} TTL ${ttl}]`;
}
