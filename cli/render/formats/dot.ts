import type { Attempt } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import { linkPath, type Place } from "./links.ts";
import { type FinishedRun, protocolLabel, sourceOf } from "./run.ts";

/** The winner's path as a directed graph in graphviz's language (dot(1)). */
export function dot(run: FinishedRun): string {
  const { head, end, names } = run;
  const winner = end.winner;
  const title = `${head.target.name}${winner === undefined ? "" : ` by ${protocolLabel(winner)}`}`;
  const lines = [
    "digraph path {",
    "  rankdir=LR;",
    `  label=${quoted(`nettrace to ${title}`)};`,
    "  node [shape=box, fontname=monospace];",
    `  source [label=${quoted(sourceOf(run)?.text ?? "this host")}, style=bold];`,
  ];
  if (winner !== undefined) {
    const { places, links } = linkPath(winner);
    for (const place of places) {
      const style = place.address === undefined ? ", style=dashed" : place.isTarget ? ", style=bold" : "";
      lines.push(`  ${place.id} [label=${quoted(labelOf(place, names).join("\n"))}${style}];`);
    }
    const firstHop = places[0]?.hop;
    for (const place of places) if (place.hop === firstHop) lines.push(`  source -> ${place.id};`);
    if (isReachedDirectly(winner)) {
      lines.push(
        `  target [label=${quoted(head.target.address.text)}, style=bold];`,
        "  source -> target [style=dashed];",
      );
    }
    for (const { from, to, isGap } of links) lines.push(`  ${from} -> ${to}${isGap ? " [style=dashed]" : ""};`);
  }
  return `${[...lines, "}"].join("\n")}\n`;
}

/** The target answered probes that belong to no hop: what lies before it is not known. */
export function isReachedDirectly({ path }: Attempt): boolean {
  return path.reached && path.targetHop === undefined;
}

/** Hop, name and address, best time: what a place says of itself. */
export function labelOf(place: Place, names: FinishedRun["names"]): string[] {
  const { hop, lastHop, address, bestMs } = place;
  if (address === undefined) return [hop === lastHop ? `${hop}` : `${hop}-${lastHop}`, "no answer"];
  const name = names.of(address);
  return [
    String(hop),
    ...(name === undefined ? [] : [printable(name)]),
    address.text,
    ...(bestMs === undefined ? [] : [`${bestMs.toFixed(3)} ms`]),
  ];
}

function quoted(text: string): string {
  return `"${text
    .split("\n")
    .map((line) => printable(line).replaceAll("\\", "\\\\").replaceAll('"', '\\"'))
    .join("\\n")}"`;
}
