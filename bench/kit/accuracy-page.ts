import type { TruthCase } from "../../test/truth/case.ts";
import type { Fault } from "../../test/truth/judge.ts";
import { table, writeBetween } from "./files.ts";
import { type Machine, shownMachine } from "./machine.ts";
import { endsOf, type Sheet, type VirtualSheet } from "./suite.ts";

interface AccuracyResults {
  readonly machine: Machine;
  readonly tools: string;
  readonly virtual: readonly VirtualSheet[];
  readonly sheets: readonly Sheet[];
  /** The tools, as they are to be listed. */
  readonly order: readonly string[];
}

const PAGE = "docs/accuracy.md";
const FAULTS: readonly Fault[] = [
  "wrong responder",
  "wrong answer",
  "false end",
  "mixed paths",
  "false link",
  "missed hop",
  "invented loss",
];

/** Rewrites the page's tables and the README's line from what was seen. */
export function writeAccuracy(results: AccuracyResults, cases: readonly TruthCase[]): void {
  const { machine, tools, virtual } = results;
  const probes = virtual.reduce((sum, each) => sum + each.probes, 0);
  const faults = virtual.reduce((sum, { findings }) => sum + findings.length, 0);
  const least = Math.min(...virtual.map((each) => each.probes));
  const told = [
    `\`npm run accuracy\`: ${shownMachine(machine)} ${tools}`,
    `In the virtual clock: ${probes.toLocaleString("en")} probes over ${virtual.length} paths, at least ` +
      `${least.toLocaleString("en")} for each, by every plugin, as root and without privilege, over IPv4 and IPv6: ` +
      `**${faults} faults**.${faultsOf(virtual)}`,
    "Through the TUN device, the number of paths on which a tool said what is not so:",
    summary(results),
  ];
  writeBetween(PAGE, "bench:accuracy", told.join("\n\n"));
  writeBetween(PAGE, "bench:paths", byPath(results, cases));
  writeBetween("README.md", "bench:accuracy", readmeLine(results, probes, faults));
}

function faultsOf(virtual: readonly VirtualSheet[]): string {
  const rows = virtual.flatMap(({ path, findings }) => (findings.length === 0 ? [] : [`${path}: ${findings.length}`]));
  return rows.length === 0 ? "" : ` (${rows.join("; ")}.)`;
}

/** On how many paths a tool had such a fault. */
const count = (sheets: readonly Sheet[], tool: string, fault: Fault): number =>
  sheets.filter((each) => each.tool === tool && each.findings.some((finding) => finding.fault === fault)).length;

function summary({ sheets, order }: AccuracyResults): string {
  const rows = order.map((tool) => {
    const own = sheets.filter((each) => each.tool === tool);
    const mute = own.filter((each) => each.mute).length;
    const clean = own.filter(({ findings, mute: isMute }) => findings.length === 0 && !isMute).length;
    return [
      tool,
      `${clean} of ${own.length}`,
      ...FAULTS.map((fault) => shown(count(sheets, tool, fault))),
      shown(mute),
    ];
  });
  return table(["", "without fault", ...FAULTS, "nothing said"], rows);
}

const shown = (number: number): string => (number === 0 ? "" : String(number));

/** Each path, how it ends, and who says what of it that is not so. */
function byPath({ sheets, order }: AccuracyResults, cases: readonly TruthCase[]): string {
  const rows = cases.map((subject) => {
    const there = sheets.filter(({ path }) => path === subject.name);
    const wrong = order.flatMap((tool) => {
      const sheet = there.find((each) => each.tool === tool);
      if (sheet?.mute === true) return [`${tool}: nothing said`];
      const faults = [...new Set(sheet?.findings.map(({ fault }) => fault))];
      return faults.length === 0 ? [] : [`${tool}: ${faults.join(", ")}`];
    });
    return `| ${subject.name} | ${endsOf(subject)} | ${wrong.join("; ")} |`;
  });
  return ["| path | how it ends | who says what is not so |", "|---|---|---|", ...rows].join("\n");
}

function readmeLine({ sheets, order }: AccuracyResults, probes: number, faults: number): string {
  const wrongPaths = (tool: string): number =>
    sheets.filter((each) => each.tool === tool && (each.findings.length > 0 || each.mute)).length;
  const paths = new Set(sheets.map(({ path }) => path)).size;
  const [own = ""] = order;
  const peers = order.filter((tool) => !tool.startsWith("nettrace"));
  const best = peers.toSorted((a, b) => wrongPaths(a) - wrongPaths(b))[0];
  const beside = best === undefined ? "" : `; the best of ${peers.length} others, \`${best}\`, on ${wrongPaths(best)}`;
  return (
    `- **${faults} faults** in ${probes.toLocaleString("en")} probes over ${paths} paths of which all is known; through the ` +
    `kernel's sockets \`${own}\` says what is not so on ${wrongPaths(own)} of them${beside} ([docs/accuracy.md](docs/accuracy.md)).`
  );
}
