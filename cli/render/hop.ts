import { describeIcmp, type Hop, type HopProbe, type MplsLabel, type Names, type Reply } from "../../core/mod.ts";
import { printable } from "../printable.ts";
import type { Paint } from "./style.ts";
import { type Piece, wrapPieces } from "./wrap.ts";

/** Signs that are not the habit of every traceroute, and what they mean. */
export const LEGEND = {
  "?": "not waited for",
  "~": "answered, round-trip time unknown",
  "-": "not sent: this host refused",
  "+": "seen on another flow only",
} as const;

export type Sign = keyof typeof LEGEND;

export interface HopView {
  readonly names: Names;
  readonly paint: Paint;
  /** Width of the terminal; absent: lines are not wrapped. */
  readonly width: number | undefined;
}

/** Where the pieces of a hop begin: after ` 1  `. */
const INDENT = 4;
const SILENT_SIGNS: Readonly<Record<string, string>> = { lost: "*", failed: "-" };

/** Hops at the end of a path that nobody answered: `13-20  * * *  (no answer)`; equal neighbours share a line. */
export function silentTailLines(tail: readonly Hop[], view: HopView): string[] {
  const lines: string[] = [];
  for (let at = 0; at < tail.length; ) {
    const [first, ...others] = tail.slice(at);
    if (first === undefined) break;
    const signs = tailSigns(first);
    const differs = others.findIndex((hop) => tailSigns(hop) !== signs);
    const length = differs < 0 ? others.length + 1 : differs + 1;
    const note = signs.startsWith("*") ? `  ${view.paint("dim", "(no answer)")}` : "";
    if (length === 1) lines.push(...hopLines(first, view));
    else lines.push(`${first.hop}-${first.hop + length - 1}  ${signs}${note}`);
    at += length;
  }
  return lines;
}

/** Lost probes each have a star; of others one sign says enough. */
function tailSigns(hop: Hop): string {
  const signs = shownProbes(hop).map(signOf);
  if (signs.every((sign) => sign === "*")) return signs.join(" ");
  return signs.every((sign) => sign === "-") ? "-" : "?";
}

/** One hop: number, then each responder followed by the times of its answers, as traceroute writes them. */
export function hopLines(hop: Hop, view: HopView): string[] {
  const pieces: Piece[] = [{ text: numberOf(hop), gap: "" }];
  const probes = shownProbes(hop);
  let before: string | undefined;
  probes.forEach((probe, at) => {
    if (probe.reply === undefined) {
      const wasSign = at > 0 && probes[at - 1]?.reply === undefined;
      pieces.push({ text: signOf(probe), gap: wasSign ? " " : "  " });
      return;
    }
    const [who, labels] = responderTexts(probe.reply, view);
    if (who + labels !== before) {
      pieces.push({ text: who, gap: "  " });
      if (labels !== "") pieces.push({ text: labels, gap: " " });
    }
    before = who + labels;
    const later = probes.slice(at + 1).find((each) => each.reply !== undefined);
    const isRepeated = later?.reply?.mark === probe.reply.mark && later?.reply?.from.text === probe.reply.from.text;
    pieces.push({ text: answerText(probe, probe.reply, isRepeated, view), gap: "  " });
  });
  return wrapPieces(pieces, view.width, INDENT);
}

/** Signs of the legend that the line of this hop uses. */
export function signsOf(hop: Hop): readonly Sign[] {
  return shownProbes(hop).flatMap((probe): Sign[] => {
    if (probe.reply === undefined) {
      const sign = signOf(probe);
      return sign === "*" ? [] : [sign as Sign];
    }
    return [...(probe.rttMs === undefined ? ["~" as const] : []), ...(probe.probe.scout ? ["+" as const] : [])];
  });
}

/**
 * The probes that a reader should see: an unanswered scout tells nothing that the hop's own probes do not, and is shown
 * only where there are none of those.
 */
function shownProbes({ probes }: Hop): readonly HopProbe[] {
  const hasOwn = probes.some(({ probe }) => probe.scout !== true);
  return hasOwn ? probes.filter(({ probe, reply }) => probe.scout !== true || reply !== undefined) : probes;
}

function numberOf({ hop }: Hop): string {
  return String(hop).padStart(2);
}

function signOf({ state }: HopProbe): string {
  return SILENT_SIGNS[state] ?? "?";
}

/** Name and address, and the label stack or nothing. */
function responderTexts({ from, mpls = [] }: Reply, { names }: HopView): readonly [string, string] {
  const name = names.of(from);
  const who = name === undefined ? from.text : `${printable(name)} (${from.text})`;
  return [who, mpls.length === 0 ? "" : `<MPLS:${mpls.map(labelText).join("/")}>`];
}

function labelText({ label, trafficClass, bottomOfStack, ttl }: MplsLabel): string {
  return `L=${label},E=${trafficClass},S=${bottomOfStack ? 1 : 0},T=${ttl}`;
}

/** `isMarkRepeated`: the next answer bears the same mark, so that it is shown there. */
function answerText(probe: HopProbe, reply: Reply, isMarkRepeated: boolean, { paint }: HopView): string {
  const words = [probe.rttMs === undefined ? "~" : `${probe.rttMs.toFixed(3)} ms`];
  const mark = reply.icmp === undefined ? "" : (describeIcmp(reply.icmp, reply.from.family)?.mark ?? "");
  if (mark !== "") words.push(paint("bad", reply.mtu === undefined ? mark : `${mark}-${reply.mtu}`));
  if (reply.mark !== undefined && !isMarkRepeated) words.push(paint("good", printable(reply.mark)));
  if (probe.late) words.push(paint("warn", "late"));
  if (probe.probe.scout) words.push("+");
  return words.join(" ");
}
