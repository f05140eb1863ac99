import { describeIcmp, formatAddress, type HopProbe } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import { type FinishedRun, rounded } from "./run.ts";

const COLUMNS = [
  "attempt",
  "protocol",
  "port",
  "verdict",
  "hop",
  "probe",
  "state",
  "address",
  "name",
  "rtt_ms",
  "icmp_type",
  "icmp_code",
  "annotation",
  "mark",
  "mpls",
  "reply_hop_limit",
];

/**
 * A line for each probe of each attempt (RFC 4180, with a header). An attempt that this host refused outright has one line
 * without a hop, and so has each probe that belongs to none. What is unknown is empty.
 */
export function csv({ end, names }: FinishedRun): string {
  const rows: Cell[][] = [COLUMNS];
  for (const attempt of end.attempts) {
    const who = [attempt.index, attempt.protocol, attempt.port, attempt.verdict ?? null];
    const before = rows.length;
    for (const { hop, probes } of attempt.path.hops()) {
      probes.forEach((probe, index) => {
        rows.push([...who, hop, index + 1, ...probeCells(probe, names.of.bind(names))]);
      });
    }
    attempt.path.direct?.probes.forEach((probe, index) => {
      rows.push([...who, null, index + 1, ...probeCells(probe, names.of.bind(names))]);
    });
    if (rows.length === before) rows.push([...who, ...Array<null>(COLUMNS.length - who.length).fill(null)]);
  }
  return rows.map((cells) => `${cells.map(cellText).join(",")}\r\n`).join("");
}

type Cell = string | number | null;

function probeCells({ state, reply, rttMs, late }: HopProbe, nameOf: FinishedRun["names"]["of"]): Cell[] {
  if (reply === undefined) return [state, null, null, null, null, null, null, null, null, null];
  const { from, icmp, mark, mpls = [], replyHopLimit } = reply;
  const annotation = icmp === undefined ? undefined : describeIcmp(icmp, from.family)?.mark;
  return [
    late ? "late" : state,
    formatAddress(from),
    nameOf(from) ?? null,
    rounded(rttMs),
    icmp?.type ?? null,
    icmp?.code ?? null,
    annotation || null,
    mark ?? null,
    mpls
      .map(({ label, trafficClass, bottomOfStack, ttl }) => `${label}:${trafficClass}:${bottomOfStack ? 1 : 0}:${ttl}`)
      .join("/") || null,
    replyHopLimit ?? null,
  ];
}

/** Spreadsheets run what begins like a formula: a foreign name that does so gets an apostrophe before it. */
function cellText(cell: Cell): string {
  if (cell === null || typeof cell === "number") return String(cell ?? "");
  const text = printable(/^[=+\-@]/.test(cell) ? `'${cell}` : cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
