import {
  causeOfError,
  describeIcmp,
  formatAddress,
  type IpAddress,
  type MplsLabel,
  type ScanHop,
  type ScanRow,
} from "../../core/mod.ts";
import { printable, printableJson } from "../printable.ts";

/** What all rows of a scan share. */
export interface RowHead {
  readonly protocol: string;
  /** Null for protocols without ports. */
  readonly port: number | null;
  /** The wall-clock time of a monotonic one. */
  readonly timeOf: (atMs: number) => Date;
  /** The same as text (ISO 8601). */
  readonly isoTimeOf: (atMs: number) => string;
}

/**
 * One line of JSON; docs/scan.md tells what its members mean, docs/schema/scan-1.json their types. It is put together by
 * hand: there are tens of thousands in a second, and objects that only JSON.stringify sees take as long again.
 */
export function jsonRow(row: ScanRow, head: RowHead): string {
  const { target, outcome, error, hops, stopSet } = row;
  const end = outcome === "reached" ? endOf(row) : undefined;
  let told = "";
  for (const hop of hops) told += told === "" ? jsonHop(hop) : `,${jsonHop(hop)}`;
  return (
    `{"schema":"nettrace.scan/1","target":${quotedAddress(target)},"outcome":"${outcome}",` +
    `"reason":${orNull(reasonOf(row))},` +
    `"error":${error === undefined ? null : `{"stage":${quoted(error.stage)},"errno":${orNull(error.errno)}}`},` +
    `"protocol":${quoted(head.protocol)},"port":${head.port},` +
    `"started_at":"${head.isoTimeOf(row.startedAtMs)}",` +
    `"duration_ms":${msText(row.endedAtMs - row.startedAtMs)},"sent":${sentOf(row)},` +
    `"target_hop":${end?.hop ?? null},"rtt_ms":${msText(end?.rttMs)},` +
    `"stop_set":${stopSet === undefined ? null : `{"hop":${stopSet.hop},"address":${quotedAddress(stopSet.address)}}`},` +
    `"hops":[${told}]}\n`
  );
}

function jsonHop(told: ScanHop): string {
  const { hop, sent, from } = told;
  if (from === undefined) return `{"hop":${hop},"sent":${sent},"address":null,"rtt_ms":null}`;
  return hopStart(told, from) + msText(told.rttMs) + hopEnd(told);
}

/** Up to the RTT. Most of it is about few routers, at few hops: each is made once. */
function hopStart({ hop, sent, effect }: ScanHop, from: IpAddress): string {
  if (effect !== "transit" || sent !== 1) return newHopStart(hop, sent, from);
  let known = hopStarts.get(from);
  if (known === undefined) {
    if (hopStarts.size >= MOST_ROUTERS) hopStarts.clear();
    known = [];
    hopStarts.set(from, known);
  }
  known[hop] ??= newHopStart(hop, sent, from);
  return known[hop];
}

const MOST_ROUTERS = 1024;
/** By hop. The socket layer has one object for each router, as long as it meets it often. */
const hopStarts = new Map<IpAddress, string[]>();

function newHopStart(hop: number, sent: number, from: IpAddress): string {
  return `{"hop":${hop},"sent":${sent},"address":${quotedAddress(from)},"rtt_ms":`;
}

/** The end of a hop, which most answers of a kind have alike: each is made once. */
function hopEnd(told: ScanHop): string {
  const { icmp, mark, mtu, mpls, late, replyHopLimit = -1, quotedHopLimit = -1 } = told;
  if (icmp === undefined || mark !== undefined || mtu !== undefined || mpls !== undefined || late === true) {
    return newHopEnd(told);
  }
  const key = ((icmp.type * 256 + icmp.code) * 257 + replyHopLimit + 1) * 257 + quotedHopLimit + 1;
  const known = hopEnds.get(key);
  if (known !== undefined) return known;
  const text = newHopEnd(told);
  if (hopEnds.size >= MOST_HOP_ENDS) hopEnds.clear();
  hopEnds.set(key, text);
  return text;
}

const MOST_HOP_ENDS = 1024;
const hopEnds = new Map<number, string>();

function newHopEnd(told: ScanHop): string {
  const { late, icmp, mark, mpls, mtu } = told;
  return (
    `,"late":${late === true},"icmp":${icmp === undefined ? null : `{"type":${icmp.type},"code":${icmp.code}}`},` +
    `"mark":${orNull(mark)},"mtu":${mtu ?? null},"reply_hop_limit":${told.replyHopLimit ?? null},` +
    `"quoted_hop_limit":${told.quotedHopLimit ?? null},` +
    `"mpls":${mpls === undefined ? "[]" : JSON.stringify(mpls.map(jsonLabel))}}`
  );
}

/** Most texts are addresses and words of our own, in which there is nothing to escape. */
function quoted(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : printableJson(text);
}

/** Without a zone it is figures, letters, dots and colons. */
function quotedAddress(address: IpAddress): string {
  return address.zone === undefined ? `"${address.text}"` : quoted(formatAddress(address));
}

function orNull(text: string | null | undefined): string {
  return text === null || text === undefined ? "null" : quoted(text);
}

function jsonLabel({ label, trafficClass, bottomOfStack, ttl }: MplsLabel): object {
  return { label, traffic_class: trafficClass, bottom_of_stack: bottomOfStack, ttl };
}

/** RFC 4180. */
export const CSV_HEADER = `${[
  "target",
  "outcome",
  "reason",
  "errno",
  "started_at",
  "duration_ms",
  "sent",
  "target_hop",
  "rtt_ms",
  "stop_set_hop",
  "stop_set_address",
  "path",
].join(",")}\r\n`;

/** One line for a target; `path` has its hops, as in `1=192.0.2.1/0.4 2=* 3=198.51.100.7/1.25`. */
export function csvRow(row: ScanRow, head: RowHead): string {
  const { target, outcome, error, hops, stopSet } = row;
  const end = outcome === "reached" ? endOf(row) : undefined;
  const path = hops.map(({ hop, from, rttMs }) => {
    if (from === undefined) return `${hop}=*`;
    return `${hop}=${formatAddress(from)}${rttMs === undefined ? "" : `/${rounded(rttMs)}`}`;
  });
  return `${[
    formatAddress(target),
    outcome,
    reasonOf(row),
    error?.errno ?? null,
    head.isoTimeOf(row.startedAtMs),
    rounded(row.endedAtMs - row.startedAtMs),
    sentOf(row),
    end?.hop ?? null,
    rounded(end?.rttMs),
    stopSet?.hop ?? null,
    stopSet === undefined ? null : formatAddress(stopSet.address),
    path.join(" "),
  ]
    .map(csvCell)
    .join(",")}\r\n`;
}

function csvCell(value: string | number | null): string {
  const text = printable(String(value ?? ""));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Why the row ends as it does, in words, where the outcome alone does not say it; else null. */
function reasonOf(row: ScanRow): string | null {
  const { outcome, error, skip } = row;
  if (outcome === "skipped") return skip ?? null;
  if (outcome === "refused") return error === undefined ? null : causeOfError(error);
  const end = outcome === "reached" || outcome === "unreachable" ? endOf(row) : undefined;
  if (end?.from === undefined) return null;
  const words = end.icmp && describeIcmp(end.icmp, end.from.family)?.words;
  return end.mark ?? words ?? (end.icmp === undefined ? null : "echo reply");
}

/** The hop at which the target, or the router that knows no way on, answered. */
function endOf({ hops, outcome }: ScanRow): ScanHop | undefined {
  return hops.find(({ effect }) => effect === outcome);
}

function sentOf({ hops }: ScanRow): number {
  let sum = 0;
  for (const { sent } of hops) sum += sent;
  return sum;
}

/** Microseconds are as fine as any stamp here; null where it was not measured. */
function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1000) / 1000;
}

/** The same as text, put together of whole numbers: the shortest text of a fraction is a search. */
function msText(ms: number | undefined): string {
  if (ms === undefined) return "null";
  const us = Math.round(ms * 1000);
  if (!(us >= 0 && us <= MOST_US)) return String(rounded(ms));
  const rest = us % 1000;
  const whole = (us - rest) / 1000;
  if (rest === 0) return String(whole);
  fractions[rest] ??= String(rest / 1000).slice(1);
  return `${whole}${fractions[rest]}`;
}

const MOST_US = 2 ** 31 - 1;
/** `.001` to `.999`. */
const fractions: string[] = [];
