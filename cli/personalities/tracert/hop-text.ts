import { formatAddress, type IpAddress, type Reply } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import type { TurnText } from "../traceroute/hop-text.ts";

export const QUERIES = 3;

/** What stands over the hops: all in one line where the target has no name. */
export function tracertHeader(name: string | undefined, target: IpAddress, maxHop: number): string {
  const over = `over a maximum of ${maxHop} hops`;
  if (name === undefined) return `\nTracing route to ${formatAddress(target)} ${over}\n\n`;
  return `\nTracing route to ${printable(name)} [${formatAddress(target)}]\n${over}:\n\n`;
}

/** The text of one probe after the other, as Windows' tracert writes it: times first, and who answered at the end. */
export function createTracertText(): TurnText {
  let answered: Reply | undefined;
  return ({ hop, query, reply, rttMs }, { name }) => {
    if (query === 0) answered = undefined;
    const text = query === 0 ? `${String(hop).padStart(3)}  ` : "";
    if (reply !== undefined && reply.effect === "unreachable") {
      return `${text}${whoText(reply, name)}  reports: ${refusalText(reply)}.\n`;
    }
    answered = reply ?? answered;
    const time = text + timeText(reply, rttMs);
    if (query < QUERIES - 1) return time;
    return `${time}${answered === undefined ? "Request timed out." : whoText(answered, name)}\n`;
  };
}

/** Whole milliseconds, cut and not rounded. */
function timeText(reply: Reply | undefined, rttMs: number | undefined): string {
  if (reply === undefined) return "   *     ";
  if (rttMs === undefined) return "   ?     ";
  return rttMs < 1 ? "  <1 ms  " : `${String(Math.floor(rttMs)).padStart(4)} ms  `;
}

function whoText({ from }: Reply, name: string | undefined): string {
  return name === undefined ? from.text : `${printable(name)} [${from.text}]`;
}

/** RFC 792 and RFC 4443 §3.1. */
const V4: readonly string[] = ["net", "host", "protocol", "port"];
const V6: readonly string[] = ["net", "prohibited", "host", "host", "port"];

function refusalText({ icmp, from }: Reply): string {
  const isV4 = from.family === 4;
  if (icmp === undefined || icmp.type !== (isV4 ? 3 : 1)) return "General failure";
  const what = isV4 && [9, 10, 13].includes(icmp.code) ? "prohibited" : (isV4 ? V4 : V6)[icmp.code];
  if (what === "prohibited") return "Destination protocol unreachable";
  return what === undefined ? "General failure" : `Destination ${what} unreachable`;
}
