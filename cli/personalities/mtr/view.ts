import type { IpAddress, MplsLabel, Names, Origin, OriginField, TableRow } from "../../../core/mod.ts";
import { latestResponder } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import type { Field } from "./fields.ts";

/** What `-y` shows: `-y 0`, the same as `-z`, to `-y 4`, with the columns that each takes. */
export const INFO_COLUMNS = [
  { field: "asns", width: 7, before: "AS" },
  { field: "prefix", width: 19, before: "" },
  { field: "country", width: 4, before: "" },
  { field: "registry", width: 8, before: "" },
  { field: "allocated", width: 11, before: "" },
] as const satisfies readonly {
  readonly field: OriginField;
  readonly width: number;
  readonly before: string;
}[];

/** A measured path as mtr's formats show it. */
export interface MtrView {
  /** This machine's name. */
  readonly localHost: string;
  /** The target as it was typed. */
  readonly host: string;
  readonly rows: readonly TableRow[];
  readonly fields: readonly Field[];
  readonly names: Names;
  /** Name and address. */
  readonly showIps: boolean;
  readonly wide: boolean;
  readonly mpls: boolean;
  /** Which of `INFO_COLUMNS`; undefined: none. */
  readonly info: number | undefined;
  infoOf(address: IpAddress): Origin | undefined;
  /** What stands where nothing was measured; absent: 0, as in mtr. */
  readonly unmeasured?: string;
  /** The titles stand over their columns; mtr's wide report has them two columns to the left. */
  readonly isAligned?: true;
}

const UNKNOWN = "???";

/** A responder as mtr writes it, harmless in a terminal. */
export function addressText({ names, showIps }: Pick<MtrView, "names" | "showIps">, address?: IpAddress): string {
  if (address === undefined) return UNKNOWN;
  const name = names.of(address);
  if (name === undefined) return address.text;
  return showIps ? `${printable(name)} (${address.text})` : printable(name);
}

/** `AS13335  `: what `-y` shows of an address, padded; empty where nothing is asked for. */
export function infoText({ info, infoOf }: Pick<MtrView, "info" | "infoOf">, address?: IpAddress): string {
  const column = info === undefined ? undefined : INFO_COLUMNS[info];
  if (column === undefined) return "";
  const known = address === undefined ? undefined : infoOf(address);
  const value = known?.[column.field];
  const text = typeof value === "object" ? value.join(" ") : value;
  return column.before + printable(text ?? UNKNOWN).padEnd(column.width);
}

export interface HopView {
  readonly row: TableRow;
  /** From whom the latest answer came. */
  readonly address: IpAddress | undefined;
  readonly labels: readonly MplsLabel[];
  /** Others that answered at this hop, in order of first appearance. */
  readonly others: readonly { readonly address: IpAddress; readonly labels: readonly MplsLabel[] }[];
}

export function hopViews({ rows }: Pick<MtrView, "rows">): HopView[] {
  return rows.map((row) => {
    const latest = row.responders.find(({ isLatest }) => isLatest);
    const others = row.responders.filter((each) => each !== latest);
    return {
      row,
      address: latestResponder(row),
      labels: latest?.mpls ?? [],
      others: others.map(({ address, mpls }) => ({ address, labels: mpls })),
    };
  });
}
