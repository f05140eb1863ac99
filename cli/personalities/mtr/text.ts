import type { IpAddress, MplsLabel } from "../../../core/mod.ts";
import { addressText, hopViews, INFO_COLUMNS, infoText, type MtrView } from "./view.ts";

/** Columns of a host in the table that is not wide, its number included. */
const NARROW = 33;

/** `Start: 2026-11-22T21:48:36+0000`, in local time. */
export function startLine(at: Date): string {
  const two = (number: number): string => String(Math.trunc(Math.abs(number))).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const east = -at.getTimezoneOffset();
  return `Start: ${date}T${time}${east < 0 ? "-" : "+"}${two(east / 60)}${two(east % 60)}\n`;
}

/**
 * mtr's report, column for column: fields stand at fixed places, and one that is too long (100.0%, four-digit times) is
 * overwritten by the next. Of the alternates that Debian's 0.95 prints twice with `-z` one line is printed.
 */
export function reportText(view: MtrView): string {
  const { wide, localHost, info } = view;
  const hops = hopViews(view);
  const column = info === undefined ? undefined : INFO_COLUMNS[info];
  const longest = Math.max(localHost.length, ...hops.map(({ address }) => addressText(view, address).length));
  const hostWidth = wide ? longest + (column === undefined ? 0 : 1) : NARROW;
  const infoWidth = column === undefined ? 0 : column.width + column.before.length;
  const headWidth = (wide ? longest + infoWidth : NARROW) + (view.isAligned ? 2 : 0);
  const titles = view.fields.map(({ title, width }) => ({ text: title.padStart(width), width }));
  const lines = [inColumns(`HOST: ${localHost.padEnd(headWidth)}`, titles, wide)];
  for (const { row, address, labels, others } of hops) {
    const number = `${String(row.hop).padStart(3)}.`;
    const who = addressText(view, address).padEnd(hostWidth);
    const start = column === undefined ? `${number}|-- ${who}` : `${number} ${infoText(view, address)}${who}`;
    const values = view.fields.map(({ value, text, width }) => {
      const number = value(row) ?? (view.unmeasured === undefined ? 0 : undefined);
      return { text: number === undefined ? ` ${(view.unmeasured ?? "").padStart(width - 1)}` : text(number), width };
    });
    lines.push(inColumns(start, values, wide), ...mplsLines(view, labels));
    for (const other of others) {
      lines.push(alternateLine(view, other.address, hostWidth), ...mplsLines(view, other.labels));
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

function inColumns(
  start: string,
  cells: readonly { readonly text: string; readonly width: number }[],
  wide: boolean,
): string {
  let at = wide ? start.length : NARROW;
  let line = start;
  for (const { text, width } of cells) {
    line = line.slice(0, at) + text;
    at += width;
  }
  return line;
}

function alternateLine(view: MtrView, address: IpAddress, hostWidth: number): string {
  const who = addressText(view, address);
  return view.info === undefined ? `        ${who.padEnd(hostWidth)}` : `     ${infoText(view, address)}${who}`;
}

/** Debian's 0.95 prints the bottom-of-stack bit as the character of that number, and a stray u. */
function mplsLines({ mpls }: MtrView, labels: readonly MplsLabel[]): string[] {
  if (!mpls) return [];
  return labels.map(
    ({ label, trafficClass, bottomOfStack, ttl }) =>
      `       [MPLS: Lbl ${label} TC ${trafficClass} S ${bottomOfStack ? 1 : 0} TTL ${ttl}]`,
  );
}
