import { hostname } from "node:os";
import {
  causeOfError,
  type Names,
  type PluginError,
  type RoundsTable,
  SocketError,
  type TableRow,
} from "../../core/mod.ts";
import type { Output } from "../context.ts";
import { DEFAULT_ORDER, type Field, readOrder } from "../personalities/mtr/fields.ts";
import { reportText } from "../personalities/mtr/text.ts";
import { printable } from "../printable.ts";
import { attemptLabel } from "./attempt.ts";
import { conclusion, failureClauses } from "./conclusion.ts";
import { limitedNote, notes } from "./notes.ts";
import { isRefusedInRounds, type ReportEnd, type ReportHead } from "./report.ts";
import type { Paint, Style } from "./style.ts";
import { headLine } from "./text.ts";
import { wrapText } from "./wrap.ts";

export interface ReportView {
  readonly names: Names;
  readonly output: Output;
  readonly paint: Paint;
}

const NARROWEST = 40;
/** What stands where nothing was measured. */
const UNMEASURED = "-";

/** mtr's table, over it by which protocol and why not by others, under it what the numbers alone do not tell. */
export function reportLines(head: ReportHead, end: ReportEnd, { names, output, paint }: ReportView): string {
  const width = output.isTerminal ? Math.max(output.columns || 80, NARROWEST) : undefined;
  const painted = (style: Style | undefined, text: string): string =>
    wrapText(text, width, 2)
      .map((line) => `${style === undefined ? line : paint(style, line)}\n`)
      .join("");
  const wrapped = (text: string): string => painted(undefined, text);
  const { watched } = end;
  const rows = watched?.table.rows() ?? [];
  if (watched === undefined || isRefusedInRounds(watched)) {
    const why = watched?.error === undefined ? conclusion(head, end) : refusal(head, end, watched.error);
    return [wrapped(headLine(head)), painted("bad", why), ...notes(head, end).map(wrapped)].join("");
  }
  const table = reportText({
    localHost: printable(head.localHost ?? hostname()),
    host: head.target.name,
    rows,
    fields: FIELDS,
    names,
    showIps: true,
    wide: true,
    mpls: true,
    info: undefined,
    infoOf: () => undefined,
    unmeasured: UNMEASURED,
    isAligned: true,
  });
  return [
    wrapped(headLine(head)),
    wrapped([roundsClause(head, end), ...failureClauses(end.attempts)].join("; ")),
    "\n",
    table,
    "\n",
    painted(watched.table.hasReached ? "good" : "bad", verdict(head, end)),
    ...[...rowNotes(rows), ...notes(head, end, [watched.table])].map(wrapped),
  ].join("");
}

const FIELDS: readonly Field[] = defaultFields();

function defaultFields(): readonly Field[] {
  const fields = readOrder(DEFAULT_ORDER);
  return "error" in fields ? [] : fields;
}

function labelOf({ watched }: ReportEnd): string {
  return watched === undefined ? "" : attemptLabel(watched);
}

/** `10 rounds by tcp-syn:443, 1 s each` */
function roundsClause({ cycles, intervalMs }: ReportHead, end: ReportEnd): string {
  const rounds = end.watched?.table.rounds ?? 0;
  const count = rounds < cycles ? `${rounds} of ${cycles} rounds` : `${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  const flows = end.watched?.mode === "connect" ? ", each probe a flow of its own" : "";
  return `${count} by ${labelOf(end)}, ${Number((intervalMs / 1000).toFixed(3))} s each${flows}`;
}

function verdict({ target }: ReportHead, end: ReportEnd): string {
  const stopped = end.interrupted === undefined ? "" : "stopped before the end; ";
  const table = end.watched?.table;
  if (table === undefined || !table.hasReached) {
    return `${stopped}${printable(target.address.text)} is not reached: ${endWords(table)}`;
  }
  const last = table.rows().find(({ hop }) => hop === table.targetHop);
  const loss = last?.lossPercent === undefined ? "" : `, ${last.lossPercent.toFixed(1)} % lost`;
  const mean = last?.rtt.meanMs === undefined ? "" : `, ${last.rtt.meanMs.toFixed(1)} ms on average`;
  const hops = table.targetHop === undefined ? "" : ` in ${table.targetHop} ${table.targetHop === 1 ? "hop" : "hops"}`;
  return `${stopped}${printable(target.address.text)} is reached${hops}${loss}${mean}`;
}

function endWords(table: RoundsTable | undefined): string {
  if (table?.farthestHop === undefined) return "nobody answers";
  return table.endHop === undefined
    ? `silent after hop ${table.farthestHop}`
    : `hop ${table.endHop} says that there is no way on`;
}

/** With `-P` no other protocol was tried. */
function refusal({ target }: ReportHead, end: ReportEnd, error: SocketError | PluginError): string {
  const errno = error instanceof SocketError && error.errno !== null ? `${error.errno}: ` : "";
  const why = `${labelOf(end)} is refused (${errno}${causeOfError(error)})`;
  const others = end.attempts.length === 0 ? "; without -P others are tried" : "";
  return `${printable(target.address.text)} is not reached: nothing left this host; ${why}${others}`;
}

function rowNotes(rows: readonly TableRow[]): string[] {
  const transit = rows.filter(({ losesInTransit }) => losesInTransit).map(({ hop }) => hop);
  const late = sum(rows, (row) => row.late);
  const again = sum(rows, (row) => row.retransmitted);
  return [
    ...limitedNote(transit),
    ...(late === 0
      ? []
      : [`${late} ${late === 1 ? "answer" : "answers"} came after the time for it was over, and count as received`]),
    ...(again === 0
      ? []
      : [
          `${again} ${again === 1 ? "handshake" : "handshakes"} came about only after the kernel had sent the SYN again: the first one counts as lost`,
        ]),
  ];
}

function sum(rows: readonly TableRow[], of: (row: TableRow) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}
