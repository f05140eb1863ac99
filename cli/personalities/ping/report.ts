import { formatAddress, type IpAddress, type Reply, type SocketError, type TraceEvent } from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { echo } from "../../host.ts";
import { strerror } from "../strerror.ts";
import { icmpText } from "./icmp-text.ts";
import type { PingOptions } from "./options.ts";
import type { Printer } from "./printer.ts";
import type { Probing } from "./probing.ts";
import { createPingStatistics, type PingStatistics, timeText } from "./statistics.ts";

/** One ping as it is told, line by line. */
export interface PingReport {
  header(): void;
  event(event: TraceEvent): void;
  /** The block at the end. */
  summary(): void;
  readonly statistics: PingStatistics;
  /** What this host refused, where it refused: the latest. */
  readonly refusal: SocketError | undefined;
}

export interface PingJob {
  readonly options: PingOptions;
  readonly probing: Probing;
  readonly address: IpAddress;
  readonly source: IpAddress;
  readonly calledAs: string;
  /** Wall-clock milliseconds at the network's time 0. */
  readonly epochMs: number;
}

/** Data of fewer octets would have no room for the time that iputils puts into it. */
const TIMED_LENGTH = 16;

export function createPingReport(job: PingJob, printer: Printer, context: CommandContext): PingReport {
  const { options, probing, address, calledAs } = job;
  const { isQuiet, isFlood } = options;
  const { family } = address;
  const host = echo(options.host);
  const isIcmp = probing.kind === "icmp";
  const isTimed = !isIcmp || (options.dataLength ?? 0) >= TIMED_LENGTH;
  const statistics = createPingStatistics();
  const { counts } = statistics;
  /** The latest probe, from 1, and whether it was answered. */
  let latest = 0;
  let isLatestAnswered = true;
  /** Probes of which only the packet tap's copy of the answer was seen. */
  const tapped = new Set<number>();
  let refusal: SocketError | undefined;

  const numbered = (sequence: number): string => `${probing.kind}_seq=${sequence % 65_536}`;

  const stamp = (atMs: number): string => {
    if (!options.printsTimestamps) return "";
    const us = Math.round((job.epochMs + atMs) * 1000);
    return `[${Math.trunc(us / 1e6)}.${String(us % 1e6).padStart(6, "0")}] `;
  };

  /** Before the next probe: what of the last one? */
  const next = (sequence: number, atMs: number): void => {
    if (options.reportsOutstanding && !isLatestAnswered) {
      printer.out(`${stamp(atMs)}no answer yet for ${numbered(latest)}\n`);
    }
    latest = sequence;
    isLatestAnswered = false;
    statistics.transmitted(atMs);
  };

  const isGood = ({ icmp, effect }: Reply): boolean =>
    isIcmp ? icmp !== undefined && (icmp.type === 0 || icmp.type === 129) : effect === "reached";

  const dot = (): void => {
    const columns = context.stdout.columns ?? Number.POSITIVE_INFINITY;
    if (counts.transmitted - counts.received - counts.errors < columns) printer.out(".");
  };

  const good = (
    sequence: number,
    reply: Reply,
    atMs: number,
    rttMs: number | undefined,
    isDuplicate: boolean,
  ): void => {
    if (isDuplicate) statistics.duplicate(rttMs);
    else statistics.received(rttMs);
    if (sequence === latest) isLatestAnswered = true;
    if (isQuiet) return;
    if (isFlood) {
      printer.out(options.isAudible ? "\b \b\x07" : "\b \b");
      return;
    }
    const length = (options.dataLength ?? 0) + 8;
    const size = reply.size ?? length;
    const isTruncated = isIcmp && size < length;
    const ttl = reply.replyHopLimit === undefined ? "" : ` ttl=${reply.replyHopLimit}`;
    const time = isTimed && rttMs !== undefined ? ` time=${timeText(rttMs)} ms` : "";
    const end = isTruncated
      ? " (truncated)"
      : `${time}${isDuplicate ? " (DUP!)" : ""}${options.isAudible ? "\x07" : ""}`;
    const state = isIcmp ? "" : ` port=${probing.port} ${echo(reply.mark ?? "answers")}`;
    const what = isIcmp ? `${size} bytes from` : "from";
    const start = stamp(atMs);
    printer.outWith(reply.from, (who) => `${start}${what} ${who}: ${numbered(sequence)}${state}${ttl}${end}\n`);
  };

  const bad = (sequence: number, reply: Reply, atMs: number): void => {
    statistics.error();
    if (isQuiet) return;
    if (isFlood) {
      printer.out("\bE");
      return;
    }
    const start = stamp(atMs);
    printer.outWith(reply.from, (who) => `${start}From ${who} ${numbered(sequence)} ${icmpText(reply, family)}\n`);
  };

  const refused = (error: SocketError): void => {
    const isTooLong = error.errno === "EMSGSIZE";
    if (isTooLong) statistics.error();
    else refusal = error;
    if (isQuiet) return;
    if (isFlood) printer.out("E");
    else if (isTooLong) printer.error(`${calledAs}: local error: message too long${mtuText(error)}\n`);
    else printer.error(`${calledAs}: ${error.stage === "connect" ? "connect" : "sendmsg"}: ${strerror(error.errno)}\n`);
  };

  const mtuText = ({ mtu }: SocketError): string =>
    mtu === undefined ? "" : family === 4 ? `, mtu=${mtu}` : `, mtu: ${mtu}`;

  const from = (): string => {
    const { source, device, isSticky } = options;
    if (source === undefined && device === undefined && !isSticky) return "";
    return `from ${formatAddress(job.source)} ${echo(device ?? "")}: `;
  };

  return {
    statistics,
    get refusal() {
      return refusal;
    },
    header() {
      const { dataLength = 0, flowLabel } = options;
      const port = `${probing.kind} port ${probing.port}`;
      if (family === 4) {
        const size = isIcmp ? `${dataLength}(${dataLength + 28}) bytes of data.` : port;
        printer.out(`PING ${host} (${address.text}) ${from()}${size}\n`);
        return;
      }
      const flow = flowLabel === undefined ? "" : `, flow 0x${flowLabel.toString(16).padStart(5, "0")}, `;
      const size = isIcmp ? `${dataLength} data bytes` : port;
      printer.outWith(address, (who) => `PING ${host}(${who}) ${flow}${from()}${size}\n`);
    },
    event(event) {
      if (event.type === "stopped") {
        if (event.error?.name === "SocketError") refused(event.error);
        return;
      }
      const sequence = event.probe.round + 1;
      switch (event.type) {
        case "sent":
          next(sequence, event.atMs);
          if (isFlood && !isQuiet) dot();
          break;
        case "failed":
          if (event.reply === undefined) {
            next(sequence, event.atMs);
            refused(event.error);
          } else {
            statistics.acknowledged(sequence);
            bad(sequence, event.reply, event.atMs);
          }
          break;
        case "reply":
        case "late":
          statistics.acknowledged(sequence);
          if (event.tapped) tapped.add(sequence);
          if (isGood(event.reply)) good(sequence, event.reply, event.atMs, event.rttMs, false);
          else bad(sequence, event.reply, event.atMs);
          break;
        case "duplicate":
          // The socket's own copy of what the tap has shown already.
          if (!tapped.delete(sequence) && isGood(event.reply)) {
            good(sequence, event.reply, event.atMs, event.rttMs, true);
          }
          break;
        case "lost":
          break;
      }
    },
    summary() {
      const tellsPace = isFlood || options.isAdaptive || options.intervalMs === 0;
      printer.out(statistics.summary(host, { isTimed, tellsPace }));
    },
  };
}
