import { formatAddress, type SocketError } from "../../core/mod.ts";
import type { EgressWay } from "../commands/egress.ts";
import { type EgressGroup, groupFindings } from "../egress/groups.ts";
import { portRanges } from "../egress/ports.ts";
import { printable } from "../printable.ts";
import type { Paint } from "./style.ts";
import { wrapText } from "./wrap.ts";

const STATES: Readonly<Record<EgressGroup["state"], readonly [string, Parameters<Paint>[0]]>> = {
  out: ["out", "good"],
  refused: ["refused", "bad"],
  unknown: ["unknown", "warn"],
};

interface ClosedWay {
  readonly family: 4 | 6;
  readonly interface: string | null;
  readonly error: SocketError;
}

/** What leaves by each interface: `tcp 80,443: out …` and `all other tcp: refused (EPERM)`. */
export function egressText(
  ways: readonly EgressWay[],
  closed: readonly ClosedWay[],
  ports: readonly number[],
  hopLimit: number,
  paint: Paint,
  columns: number | undefined,
): string {
  const lines: string[] = [];
  const print = (text: string, indent = 0): void => {
    const width = columns === undefined ? undefined : columns - indent;
    lines.push(...wrapText(text, width, 2).map((line) => " ".repeat(indent) + line));
  };
  for (const { family, interface: name, source, report } of ways) {
    if (lines.length > 0) lines.push("");
    const from = source === null ? "" : ` from ${formatAddress(source)}`;
    const where = `to ${formatAddress(report.target)}, hop limit ${hopLimit}`;
    print(paint("dim", `IPv${family} by ${printable(name ?? "the default route")}${from} ${where}`));
    for (const group of groupFindings(report.findings)) {
      const [word, tone] = STATES[group.state];
      print(`${subject(group, ports)}: ${paint(tone, word)} (${printable(group.why)})`, 2);
    }
    for (const { protocol, error } of report.refusals) {
      print(`${protocol}: not tried (${error.stage}: ${error.errno ?? error.evidence ?? "refused"})`, 2);
    }
  }
  for (const { family, interface: name, error } of closed) {
    if (lines.length > 0) lines.push("");
    print(
      `IPv${family}${name === null ? "" : ` by ${printable(name)}`}: no way out (${error.errno ?? printable(error.message)})`,
      2,
    );
  }
  return `${lines.join("\n")}\n`;
}

function subject({ protocol, ports, isRest }: EgressGroup, asked: readonly number[]): string {
  if (ports.length === 0) return protocol;
  if (isRest) return `all other ${protocol} that was tried (${ports.length} ports)`;
  if (ports.length === asked.length && ports.length > 8)
    return `${protocol}, all ${ports.length} ports that were tried`;
  return `${protocol} ${portRanges(ports, asked)}`;
}
