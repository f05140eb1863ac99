import { formatAddress, type HopProbe, type Path } from "../../../core/mod.ts";
import { printableJson } from "../../printable.ts";
import { type FinishedRun, rounded, sourceOf } from "./run.ts";

/**
 * What `scamper -O json` writes for one trace (scamper(1), the winner's): a `cycle-start`, a `trace` and a `cycle-stop`
 * line. A hop without an answer has no entry; what was not measured is left out.
 */
export function scamperJson(run: FinishedRun): string {
  const startMs = run.head.started.getTime();
  const cycle = { list_name: "default", id: 0 };
  const line = (value: object): string => `${printableJson(value)}\n`;
  return [
    line({ type: "cycle-start", ...cycle, start_time: Math.floor(startMs / 1000) }),
    scamperTrace(run),
    line({ type: "cycle-stop", ...cycle, stop_time: Math.floor((startMs + run.end.durationMs) / 1000) }),
  ].join("");
}

/** The line of the trace alone. */
export function scamperTrace(run: FinishedRun): string {
  const { head, end } = run;
  const { target, started, trace } = head;
  const winner = end.winner;
  const path = winner?.path;
  const startMs = started.getTime();
  const source = sourceOf(run)?.text;
  const hops = (path?.hops() ?? []).flatMap(({ hop, probes }) =>
    probes.flatMap((probe, index) => hopEntry(hop, index + 1, probe)),
  );
  return `${printableJson({
    type: "trace",
    version: "0.1",
    userid: 0,
    method: methodOf(winner?.protocol ?? head.ladder[0]?.protocol ?? "", trace.flow === "constant"),
    ...(source !== undefined && { src: source }),
    dst: formatAddress(target.address),
    ...(winner !== undefined && winner.port !== null && { dport: winner.port }),
    stop_reason: stopReason(path),
    stop_data: 0,
    start: {
      sec: Math.floor(startMs / 1000),
      usec: (startMs % 1000) * 1000,
      ftime: started.toISOString().slice(0, 19).replace("T", " "),
    },
    hop_count: path?.endHop ?? path?.farthestHop ?? 0,
    attempts: trace.queries,
    hoplimit: trace.maxHop,
    firsthop: trace.firstHop,
    wait: Math.ceil(trace.maxWaitMs / 1000),
    wait_probe: 0,
    probe_count: path?.sent ?? 0,
    hops,
  })}\n`;
}

function methodOf(protocol: string, isParis: boolean): string {
  if (protocol === "icmp") return isParis ? "icmp-echo-paris" : "icmp-echo";
  if (protocol === "udp") return isParis ? "udp-paris" : "udp";
  return protocol.startsWith("tcp") ? "tcp" : protocol;
}

function stopReason(path: Path | undefined): string {
  switch (path?.outcome) {
    case "reached":
      return "COMPLETED";
    case "unreachable":
      return "UNREACH";
    case "silent":
      return "GAPLIMIT";
    case "max-hops":
      return "HOPLIMIT";
    case "aborted":
      return "HALTED";
    case "refused":
    case "faulty":
      return "ERROR";
    default:
      return "NONE";
  }
}

function hopEntry(hop: number, probeId: number, { reply, rttMs }: HopProbe): object[] {
  if (reply === undefined) return [];
  const { from, icmp, replyHopLimit, quotedHopLimit, mpls = [] } = reply;
  const labels = mpls.map(({ label, trafficClass, bottomOfStack, ttl }) => ({
    mpls_ttl: ttl,
    mpls_s: bottomOfStack ? 1 : 0,
    mpls_exp: trafficClass,
    mpls_label: label,
  }));
  return [
    {
      addr: formatAddress(from),
      probe_ttl: hop,
      probe_id: probeId,
      ...(rttMs !== undefined && { rtt: rounded(rttMs) }),
      ...(replyHopLimit !== undefined && { reply_ttl: replyHopLimit }),
      ...(icmp !== undefined && { icmp_type: icmp.type, icmp_code: icmp.code }),
      ...(quotedHopLimit !== undefined && { icmp_q_ttl: quotedHopLimit }),
      ...(labels.length > 0 && {
        icmpext: [{ ie_cn: 1, ie_ct: 1, ie_dl: 4 * labels.length, mpls_labels: labels }],
      }),
    },
  ];
}
