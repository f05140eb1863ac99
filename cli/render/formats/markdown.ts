import { createRttStatistics, describeIcmp, type Hop } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import { type FinishedRun, protocolLabel } from "./run.ts";

/** The ladder and the winner's hops as tables, to paste into a ticket (GitHub's Markdown). */
export function markdown({ head, end, names }: FinishedRun): string {
  const { target } = head;
  const { winner } = end;
  const lines = [
    `### nettrace to ${text(target.name)}${target.name === target.address.text ? "" : ` (${target.address.text})`}`,
    "",
    `${head.started.toISOString()}${head.route === undefined ? "" : `, from ${head.route.source.text}`}`,
    "",
    ...table(
      ["protocol", "mode", "verdict", "hops", "why"],
      end.attempts.map((attempt) => [
        protocolLabel(attempt),
        attempt.mode ?? "",
        attempt.verdict ?? "under way",
        attempt.path.farthestHop === undefined ? "" : String(attempt.path.farthestHop),
        text(attempt.reason),
      ]),
    ),
  ];
  if (winner?.path.direct !== undefined) {
    lines.push("", `No hops: the probes of ${protocolLabel(winner)} reach the target or not, and show no path.`);
  } else if (winner !== undefined) {
    const rows = winner.path.hops().flatMap((hop) => hopRows(hop, names));
    lines.push(
      "",
      `Hops seen by ${protocolLabel(winner)}:`,
      "",
      ...table(["hop", "address", "name", "answered", "best ms", "mean ms", "worst ms", "notes"], rows),
    );
  }
  return `${lines.join("\n")}\n`;
}

function hopRows({ hop, probes, responders, sent, received }: Hop, names: FinishedRun["names"]): string[][] {
  const count = `${received}/${sent}`;
  if (responders.length === 0) return [[String(hop), "*", "", count, "", "", "", ""]];
  return responders.map((address, index) => {
    const own = probes.filter(({ reply }) => reply?.from.text === address.text);
    const notes = new Set<string>();
    for (const { reply, late } of own) {
      const annotation = reply?.icmp === undefined ? "" : (describeIcmp(reply.icmp, address.family)?.mark ?? "");
      if (annotation !== "") notes.add(annotation);
      if (reply?.mark !== undefined) notes.add(reply.mark);
      if (late) notes.add("late");
      for (const { label } of reply?.mpls ?? []) notes.add(`MPLS ${label}`);
    }
    const rtt = createRttStatistics();
    for (const { rttMs } of own) if (rttMs !== undefined) rtt.add(rttMs);
    const { bestMs, meanMs, worstMs } = rtt.summary();
    return [
      index === 0 ? String(hop) : "",
      address.text,
      text(names.of(address) ?? ""),
      index === 0 ? count : "",
      ...[bestMs, meanMs, worstMs].map((ms) => ms?.toFixed(3) ?? ""),
      text([...notes].join(", ")),
    ];
  });
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)];
}

/** Foreign text as text: nothing in it is markup. */
function text(foreign: string): string {
  return printable(foreign).replace(/[\\`*_{}[\]<>#|~!&]/g, (character) => `\\${character}`);
}
