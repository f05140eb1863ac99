import { describeIcmp, formatAddress, type IcmpCode, type IpAddress } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import { formatMs, formatPercent } from "../columns.ts";
import { type Line, type Span, span, wrapLine } from "../line.ts";
import type { HopState, ResponderState } from "../state.ts";
import type { Frame } from "./frame.ts";
import { mplsText } from "./hosts.ts";

/** All that is known of a hop. */
export function detailLines({ size }: Frame, hop: HopState): Line[] {
  const lines = [countLine(hop), ...timeLines(hop), lossLine(hop), answerLine(hop)];
  return [...lines, ...hop.responders.flatMap(responderLines)].flatMap((line) => wrapLine(line, size.columns, 3));
}

function countLine({ row }: HopState): Line {
  const counts: readonly (readonly [string, number])[] = [
    ["sent", row.sent],
    ["answered", row.received],
    ["lost", row.dropped],
    ["in flight", row.inFlight],
    ["late", row.late],
    ["duplicates", row.duplicates],
    ["refused here", row.failed],
    ["not waited for", row.abandoned],
    ["by a second SYN", row.retransmitted],
  ];
  const shown = counts.filter(([, count], at) => at < 4 || count > 0);
  return [span(shown.map(([word, count]) => `${word} ${count}`).join("  "))];
}

function timeLines({ row: { rtt } }: HopState): Line[] {
  if (rtt.count === 0) return [[span("no time was measured", "dim")]];
  const of = (word: string, ms: number | undefined): string => (ms === undefined ? "" : `  ${word} ${formatMs(ms)}`);
  const times = `${of("last", rtt.lastMs)}${of("best", rtt.bestMs)}${of("avg", rtt.meanMs)}${of("worst", rtt.worstMs)}`;
  const more = `${of("stdev", rtt.deviationMs)}${of("gmean", rtt.geometricMeanMs)}`;
  const jitter = `${of("last", rtt.lastJitterMs)}${of("avg", rtt.jitterMs)}${of("worst", rtt.worstJitterMs)}`;
  const smoothed = of("interarrival", rtt.interarrivalJitterMs);
  return [[span(`ms${times}${more}`)], ...(jitter === "" ? [] : [[span(`jitter, ms${jitter}${smoothed}`)]])];
}

function lossLine({ loss, row }: HopState): Line {
  const { carried, here } = loss;
  if (here !== undefined && row.received === 0) {
    return [span("it never answers, and hops behind it do: nothing is known of loss here", "dim")];
  }
  const spans: Span[] = [];
  if (carried !== undefined) spans.push(span(`${formatPercent(carried)} % lost on the way to here`));
  if (here !== undefined) {
    spans.push(
      span(`; ${formatPercent(here)} % of its answers are missing, what passes it arrives: it limits them`, "dim"),
    );
  }
  return spans;
}

function answerLine({ row }: HopState): Line {
  const icmp = row.icmp.map((each) => `${icmpWords(each, each.family)} ${each.count}`);
  const marks = row.marks.map(({ mark, count }) => `${printable(mark)} ${count}`);
  const all = [...icmp, ...marks];
  return all.length === 0 ? [] : [span(`answers: ${all.join("  ")}`)];
}

/** RFC 792, RFC 4443. */
function icmpWords({ type, code }: IcmpCode, family: IpAddress["family"]): string {
  const isExceeded = type === (family === 4 ? 11 : 3);
  const isEcho = type === (family === 4 ? 0 : 129);
  const words = isExceeded ? "time exceeded" : isEcho ? "echo reply" : describeIcmp({ type, code }, family)?.words;
  return `${words ?? "ICMP"} (${type}/${code})`;
}

function responderLines(responder: ResponderState): Line[] {
  const { address, name, origin, share, count, isLatest, replyHopLimit, quotedHopLimit, mpls } = responder;
  const text = formatAddress(address);
  const spans: Span[] = [
    span(`${isLatest ? "*" : " "} ${text}`, "bold"),
    span(`  ${(100 * share).toFixed(0)} % (${count})`),
    ...(name === undefined ? [] : [span(`  ${printable(name)}`)]),
    ...(origin === undefined
      ? []
      : [span(`  ${origin.asns.map((asn) => `AS${asn}`).join("/")} ${printable(origin.holder ?? "")}`.trimEnd())]),
    ...(replyHopLimit === undefined
      ? []
      : [span(`  hop limit ${replyHopLimit}, so about ${returnLength(replyHopLimit)} hops back`, "dim")]),
    ...(quotedHopLimit === undefined ? [] : [span(`  quoted hop limit ${quotedHopLimit}`, "dim")]),
  ];
  return [spans, ...mpls.map((label): Line => [span(`    ${mplsText(label)}`, "dim")])];
}

/** Hosts start with 64, 128 or 255; the answer lost one at each router on its way. */
export function returnLength(replyHopLimit: number): number {
  const start = [64, 128, 255].find((each) => each >= replyHopLimit) ?? 255;
  return start - replyHopLimit + 1;
}
