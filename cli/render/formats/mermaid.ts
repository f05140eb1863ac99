import { printable } from "../../printable.ts";
import { isReachedDirectly, labelOf } from "./dot.ts";
import { linkPath } from "./links.ts";
import { type FinishedRun, sourceOf } from "./run.ts";

/** The winner's path as a flowchart in Mermaid's language, as GitHub and others draw it. */
export function mermaid(run: FinishedRun): string {
  const { end, names } = run;
  const lines = ["flowchart LR", `  source["${escaped(sourceOf(run)?.text ?? "this host")}"]`];
  if (end.winner !== undefined) {
    const { places, links } = linkPath(end.winner);
    for (const place of places) {
      const label = labelOf(place, names).map(escaped).join("<br/>");
      lines.push(`  ${place.id}${place.isTarget ? `[["${label}"]]` : `["${label}"]`}`);
    }
    const firstHop = places[0]?.hop;
    for (const place of places) if (place.hop === firstHop) lines.push(`  source --> ${place.id}`);
    if (isReachedDirectly(end.winner)) lines.push(`  source -.-> target[["${escaped(run.head.target.address.text)}"]]`);
    for (const { from, to, isGap } of links) lines.push(`  ${from} ${isGap ? "-.->" : "-->"} ${to}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Mermaid reads entities by number, and everything else that means something to it must not stand in a label. */
function escaped(text: string): string {
  return printable(text).replace(/[^\p{L}\p{N} ._:-]/gu, (character) => `#${character.codePointAt(0)};`);
}
