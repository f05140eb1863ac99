import { printable } from "../../printable.ts";
import type { MtrSettings } from "./settings.ts";
import { addressText, hopViews, infoText, type MtrView } from "./view.ts";

/** The version whose formats these are. */
export const MTR_VERSION = "0.95";

/** The least packet that mtr draws random sizes from. */
const patternText = ({ bitPattern }: MtrSettings): string =>
  bitPattern === "random" ? "rand(0x00-FF)" : `0x${hex(bitPattern)}`;

function hex(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, "0");
}

/** mtr's JSON as Debian's 0.95 writes it: numbers as numbers, psize and bitpattern as strings, four spaces. */
export function jsonDocument(view: MtrView, settings: MtrSettings): string {
  const hubs = hopViews(view).map(({ row, address }) => [
    `"count": ${row.hop}`,
    `"host": ${json(addressText(view, address))}`,
    ...(view.info === 0 ? [`"ASN": ${json(infoText(view, address).trim())}`] : []),
    ...unique(view.fields)
      .filter(({ kind }) => kind !== "space")
      .map(
        ({ title, kind, value }) => `${json(title)}: ${kind === "count" ? (value(row) ?? 0) : real(value(row) ?? 0)}`,
      ),
  ]);
  const head = [
    `"src": ${json(view.localHost)}`,
    `"dst": ${json(view.host)}`,
    `"tos": ${settings.tos}`,
    `"tests": ${settings.cycles}`,
    `"psize": ${json(String(settings.packetSize))}`,
    `"bitpattern": ${json(patternText(settings))}`,
  ];
  const hubTexts = hubs.map(
    (members) => `            {\n${members.map((each) => `                ${each}`).join(",\n")}\n            }`,
  );
  const list = hubTexts.length === 0 ? "[]" : `[\n${hubTexts.join(",\n")}\n        ]`;
  const lines = head.map((each) => `            ${each}`).join(",\n");
  return `{\n    "report": {\n        "mtr": {\n${lines}\n        },\n        "hubs": ${list}\n    }\n}\n`;
}

/** A JSON object has each member once. */
function unique(fields: MtrView["fields"]): MtrView["fields"] {
  return [...new Set(fields)];
}

/** Microseconds are as fine as mtr measures; a whole number keeps its point. */
function real(value: number): string {
  const text = String(Number(value.toFixed(3)));
  return text.includes(".") ? text : `${text}.0`;
}

/** Foreign text is printable by then; the user's own is made so. */
function json(text: string): string {
  return JSON.stringify(printable(text));
}

/** mtr's XML; names and hosts are escaped, which Debian's 0.95 omits. */
export function xmlDocument(view: MtrView, settings: MtrSettings): string {
  const head = [
    `SRC="${xml(view.localHost)}"`,
    `DST="${xml(view.host)}"`,
    `TOS="0x${settings.tos.toString(16).toUpperCase()}"`,
    `PSIZE="${settings.packetSize}"`,
    `BITPATTERN="${patternText(settings)}"`,
    `TESTS="${settings.cycles}"`,
  ];
  const hubs = hopViews(view).flatMap(({ row, address }) => [
    `    <HUB COUNT="${row.hop}" HOST="${xml(addressText(view, address))}">`,
    ...view.fields
      .filter(({ kind }) => kind !== "space")
      .map(({ title, text, value }) => {
        // No "%" in the name of an element.
        const name = title.replace("%", "");
        return `        <${name}>${text(value(row) ?? 0)}</${name}>`;
      }),
    "    </HUB>",
  ]);
  return [`<?xml version="1.0"?>`, `<MTR ${head.join(" ")}>`, ...hubs, "</MTR>"].map((line) => `${line}\n`).join("");
}

function xml(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return printable(text).replace(/[&<>"]/g, (character) => entities[character] ?? "");
}

/**
 * mtr's CSV. Debian's 0.95 ends its header with a comma, so that it has a column more than the rows, and quotes nothing:
 * here the header has as many columns as each row, and RFC 4180 §2 holds. The column whose name is a space counts drops.
 */
export function csvDocument(view: MtrView, endedAt: Date): string {
  const hops = hopViews(view);
  if (hops.length === 0) return "";
  // Of what -y shows, mtr's formats for programs have the number alone.
  const withInfo = view.info === 0;
  const titles = view.fields.map(({ title }) => title);
  const header = ["Mtr_Version", "Start_Time", "Status", "Host", "Hop", "Ip", ...(withInfo ? ["Asn"] : []), ...titles];
  const rows = hops.map(({ row, address }) => [
    `MTR.${MTR_VERSION}`,
    String(Math.floor(endedAt.getTime() / 1000)),
    "OK",
    printable(view.host),
    String(row.hop),
    addressText(view, address),
    ...(withInfo ? [infoText(view, address).trim()] : []),
    ...view.fields.map(({ kind, value }) => {
      const number = value(row) ?? 0;
      return kind === "count" || kind === "space" ? String(number) : number.toFixed(2);
    }),
  ]);
  return [header, ...rows].map((cells) => `${cells.map(csv).join(",")}\n`).join("");
}

function csv(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
