import type { IcmpCode, Reply, SweepTurn } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import type { TurnText } from "../traceroute/hop-text.ts";

/** The marks of tcptraceroute differ from traceroute's. */
const MARKS: readonly string[] = ["!N", "!H", "!P", "!p", "!F", "!S", "!U", "!U", "!I", "!A", "!C", "!T", "!T", "!A"];

/**
 * The text of one probe after the other, as tcptraceroute 1.5 writes it: another responder of the same hop begins a line
 * of its own. `queries`: the last probe of a hop ends its line.
 */
export function createProbeText(queries: number, isNamed: (reply: Reply) => boolean): TurnText {
  let before: Reply | undefined;
  let wasAnswered = false;
  let state: string | undefined;
  return (turn, { name }) => {
    const { hop, query, reply } = turn;
    const isFirst = query === 0;
    let text = isFirst ? `${String(hop).padStart(2)}  ` : "";
    if (isFirst) state = before = undefined;
    // The real tool, after a lost probe, lets another responder pass for the one before.
    const isOther = reply !== undefined && before !== undefined && before.from.text !== reply.from.text;
    if (isOther) text += "\n    ";
    if (reply !== undefined && (before === undefined || isOther || isFirst)) {
      if (!isFirst && !wasAnswered) text += " ";
      const { text: address } = reply.from;
      text += name === undefined || !isNamed(reply) ? address : `${printable(name)} (${address})`;
    }
    if (reply?.mark !== undefined && reply.icmp === undefined && reply.mark !== state) {
      state = reply.mark;
      text += ` [${state}]`;
    }
    if (reply !== undefined || !isFirst) text += reply === undefined || (!isFirst && !wasAnswered) ? " " : "  ";
    text += reply === undefined ? "*" : timeText(turn, reply);
    before = reply ?? before;
    wasAnswered = reply !== undefined;
    return query === queries - 1 ? `${text}\n` : text;
  };
}

function timeText({ rttMs }: SweepTurn, { icmp, effect }: Reply): string {
  const time = rttMs === undefined ? "~" : `${rttMs.toFixed(3)} ms`;
  return icmp === undefined || effect === "transit" ? time : `${time} ${markOf(icmp)}`;
}

function markOf({ type, code }: IcmpCode): string {
  return type === 3 ? (MARKS[code] ?? `!<${code}>`) : `!<${type}-${code}>`;
}
