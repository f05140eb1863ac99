import {
  describeIcmp,
  formatAddress,
  hopsBack,
  type MplsLabel,
  type Reply,
  type SweepTurn,
  wire,
} from "../../../core/mod.ts";
import { printable } from "../../printable.ts";

export interface HopStyle {
  readonly numeric: boolean;
  readonly asPath: boolean;
  readonly extensions: boolean;
  readonly back: boolean;
  readonly tcpInfo: boolean;
}

/** What others say of a responder; undefined: unknown. */
export interface Responder {
  readonly name: string | undefined;
  readonly asNumbers: readonly number[] | undefined;
}

export type TurnText = (turn: SweepTurn, responder: Responder) => string;

/** The text of one probe after the other, as traceroute 2.1 writes it: each hop begins with its newline. */
export function createTurnText(style: HopStyle): TurnText {
  let before: Reply | undefined;
  return (turn, responder) => {
    const { hop, query, reply, rttMs, tooBigHere, shrunkTo } = turn;
    if (query === 0) before = undefined;
    let text = query === 0 ? `\n${String(hop).padStart(2)} ` : "";
    if (reply === undefined) text += " *";
    else {
      if (before === undefined || differs(before, reply, style)) text += responderText(turn, reply, responder, style);
      // A round-trip time that was not measured is not told.
      text += rttMs === undefined ? "  ~" : `  ${rttMs.toFixed(3)} ms`;
      before = reply;
    }
    const note = `${shrunkTo === undefined ? "" : `F=${shrunkTo}`}${reply === undefined ? "" : mark(reply)}`;
    const here = tooBigHere === undefined ? "" : `!F-${tooBigHere}`;
    return `${text}${note + here === "" ? "" : ` ${note}${here}`}`;
  };
}

function differs(before: Reply, reply: Reply, style: HopStyle): boolean {
  if (before.from.text !== reply.from.text) return true;
  if (extensionText(before, style) !== extensionText(reply, style)) return true;
  return style.back && before.replyHopLimit !== reply.replyHopLimit;
}

function responderText({ hop }: SweepTurn, reply: Reply, responder: Responder, style: HopStyle): string {
  const address = formatAddress(reply.from);
  let text = style.numeric ? ` ${address}` : ` ${printable(responder.name ?? address)} (${address})`;
  if (style.asPath) text += ` [${responder.asNumbers?.map((number) => `AS${number}`).join("/") || "*"}]`;
  const extension = extensionText(reply, style);
  if (extension !== "") text += ` <${extension}>`;
  const { replyHopLimit } = reply;
  if (style.back && replyHopLimit !== undefined && hopsBack(replyHopLimit) !== hop) {
    text += ` '-${hopsBack(replyHopLimit)}'`;
  }
  return text;
}

function extensionText({ mpls = [], mark: state, tcpFlags }: Reply, { extensions, tcpInfo }: HopStyle): string {
  if (tcpInfo && tcpFlags !== undefined) {
    return Object.entries(wire.TCP_FLAG)
      .filter(([, bit]) => (tcpFlags & bit) !== 0)
      .sort(([, one], [, other]) => one - other)
      .map(([name]) => name)
      .join(",");
  }
  // Of a connection the kernel tells no more than its end.
  if (tcpInfo && state === "open") return "syn,ack";
  if (tcpInfo && state === "closed") return "rst,ack";
  return extensions && mpls.length > 0 ? `MPLS:${mpls.map(labelText).join("/")}` : "";
}

function labelText({ label, trafficClass, bottomOfStack, ttl }: MplsLabel): string {
  return `L=${label},E=${trafficClass},S=${bottomOfStack ? 1 : 0},T=${ttl}`;
}

/** traceroute knows the IPv6 codes 0 to 4 only, and calls an address beyond its scope !H. */
function mark({ icmp, from, mtu, effect }: Reply): string {
  if (icmp === undefined || effect === "transit") return "";
  if (from.family === 6 && icmp.type === 1 && icmp.code === 2) return "!H";
  if (from.family === 6 && icmp.type === 1 && icmp.code > 4) return `!<${icmp.code}>`;
  const { mark: sign = "" } = describeIcmp(icmp, from.family) ?? {};
  return sign === "!F" && mtu !== undefined ? `!F-${mtu}` : sign;
}
