import { formatAddress, type HopProbe, type IcmpCode, type MplsLabel } from "../../../core/mod.ts";
import { printableJson } from "../../printable.ts";
import { type FinishedRun, rounded, sourceOf } from "./run.ts";

/** The firmware whose form this is: parsers of RIPE Atlas results choose by it. */
const FIRMWARE = 5080;

/**
 * A traceroute result of RIPE Atlas (https://atlas.ripe.net/docs/apis/result-format/), of the winner: `msm_id` and
 * `prb_id` are 0, since no measurement of Atlas it is. What was not measured is left out.
 */
export function atlas(run: FinishedRun): string {
  const { head, end } = run;
  const { target, started } = head;
  const source = sourceOf(run)?.text;
  const winner = end.winner;
  const protocol = winner?.protocol ?? head.ladder[0]?.protocol ?? "";
  return `${printableJson({
    fw: FIRMWARE,
    lts: -1,
    type: "traceroute",
    msm_id: 0,
    msm_name: "nettrace",
    prb_id: 0,
    timestamp: seconds(started.getTime()),
    endtime: seconds(started.getTime() + end.durationMs),
    af: target.address.family,
    proto: protocolName(protocol),
    dst_name: target.name,
    dst_addr: formatAddress(target.address),
    ...(source !== undefined && { src_addr: source, from: source }),
    ...(winner !== undefined && winner.port !== null && { dst_port: String(winner.port) }),
    paris_id: head.trace.flow === "constant" ? 1 : 0,
    result: (winner?.path.hops() ?? []).map(({ hop, probes }) => ({
      hop,
      result: probes.filter(({ state }) => state !== "pending").map(probeResult),
    })),
  })}\n`;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

function protocolName(protocol: string): string {
  if (protocol.startsWith("tcp")) return "TCP";
  return protocol === "icmp" ? "ICMP" : protocol === "udp" ? "UDP" : protocol.toUpperCase();
}

function probeResult({ reply, rttMs, late, error }: HopProbe): object {
  if (error !== undefined) return { error: error.errno ?? error.message };
  if (reply === undefined) return { x: "*" };
  const { from, icmp, replyHopLimit, mpls = [], quotedHopLimit, mtu } = reply;
  const err = icmp === undefined ? undefined : errorOf(icmp, from.family);
  return {
    from: formatAddress(from),
    ...(rttMs !== undefined && { rtt: rounded(rttMs) }),
    ...(replyHopLimit !== undefined && { ttl: replyHopLimit }),
    ...(quotedHopLimit !== undefined && quotedHopLimit !== 1 && { ittl: quotedHopLimit }),
    ...(late && { late: 1 }),
    ...(err !== undefined && { err }),
    ...(mtu !== undefined && { mtu }),
    ...(mpls.length > 0 && { icmpext: extension(mpls) }),
  };
}

/** Letters for the usual codes of "destination unreachable", else the number. */
function errorOf({ type, code }: IcmpCode, family: 4 | 6): string | number | undefined {
  if (type !== (family === 4 ? 3 : 1)) return undefined;
  const letters: Readonly<Record<number, string>> =
    family === 4
      ? { 0: "N", 1: "H", 2: "P", 3: "p", 9: "A", 10: "A", 13: "A" }
      : { 0: "N", 1: "A", 2: "h", 3: "H", 4: "p" };
  return letters[code] ?? code;
}

function extension(mpls: readonly MplsLabel[]): object {
  const entries = mpls.map(({ label, trafficClass, bottomOfStack, ttl }) => ({
    label,
    exp: trafficClass,
    s: bottomOfStack ? 1 : 0,
    ttl,
  }));
  return { version: 2, rfc4884: 1, obj: [{ class: 1, type: 1, mpls: entries }] };
}
