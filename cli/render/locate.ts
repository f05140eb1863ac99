import { formatAddress, type IpAddress, type Origins } from "../../core/mod.ts";
import type { Location, Place } from "../locate/judge.ts";
import { printable } from "../printable.ts";
import type { Paint } from "./style.ts";
import { wrapText } from "./wrap.ts";

/** `tcp/25: dropped after hop 6 (192.0.2.7, AS64500); tcp/443 goes on to hop 7 (…)`. */
export function locateText(
  target: { readonly name: string; readonly address: IpAddress },
  all: readonly Location[],
  own: readonly Location[],
  origins: Origins | undefined,
  paint: Paint,
  columns: number | undefined,
): string {
  const who = target.name === target.address.text ? "" : ` (${formatAddress(target.address)})`;
  const lines = [paint("dim", `to ${printable(target.name)}${who}`)];
  for (const each of all) {
    const note = own.includes(each) ? "" : " (to compare with)";
    lines.push(...wrapText(`${each.label}${note}: ${sentence(each, origins, paint)}`, columns, 2));
  }
  return `${lines.join("\n")}\n`;
}

function sentence(
  { state, last, next, comparedWith, reason }: Location,
  origins: Origins | undefined,
  paint: Paint,
): string {
  const at = (place: Place): string => `hop ${place.hop} (${placeText(place, origins)})`;
  const why = printable(reason);
  switch (state) {
    case "passes":
      return `${paint("good", "passes")} to the target${last === undefined ? "" : `, hop ${last.hop}`} (${why})`;
    case "dropped": {
      const where = last === undefined ? "before the first router that answers" : `after ${at(last)}`;
      const further =
        next === undefined ? `${comparedWith} passes to the target` : `${comparedWith} is answered by ${at(next)}`;
      return `${paint("bad", "dropped")} ${where}; ${further}`;
    }
    case "refused":
      return `${paint("bad", "refused")}${last === undefined ? "" : ` by ${at(last)}`} (${why})`;
    case "denied":
      return `${paint("bad", "kept back by this host")} (${why})`;
    case "unknown":
      return `${paint("warn", "unknown")}: ${last === undefined ? "nobody answers" : `silent after ${at(last)}`}, and nothing passes to compare it with`;
  }
}

function placeText({ address }: Place, origins: Origins | undefined): string {
  const asns = origins?.of(address)?.asns ?? [];
  return asns.length === 0
    ? formatAddress(address)
    : `${formatAddress(address)}, ${asns.map((asn) => `AS${asn}`).join("/")}`;
}
