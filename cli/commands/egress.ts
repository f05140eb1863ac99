import {
  type EgressFinding,
  type EgressProtocol,
  type EgressReport,
  formatAddress,
  type IpAddress,
  measureEgress,
  parseAddress,
  resolveTarget,
  SocketError,
  UsageError,
} from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { interfacesTo } from "../egress/interfaces.ts";
import { parsePorts } from "../egress/ports.ts";
import { EXIT } from "../exit-codes.ts";
import { checkHost, echo } from "../host.ts";
import { whole } from "../options.ts";
import { printableJson } from "../printable.ts";
import { egressText } from "../render/egress.ts";
import { createPaint } from "../render/style.ts";

export interface EgressArguments {
  readonly host?: string | undefined;
  readonly options: {
    readonly ipv4?: true | undefined;
    readonly ipv6?: true | undefined;
    readonly ports?: string | undefined;
    readonly protocols?: string | undefined;
    readonly hopLimit?: string | undefined;
    readonly interface?: string | undefined;
    readonly pps?: string | undefined;
    readonly format?: string | undefined;
  };
}

/** One interface and family: what leaves by it. */
export interface EgressWay {
  readonly family: 4 | 6;
  readonly interface: string | null;
  readonly source: IpAddress | null;
  readonly report: EgressReport;
}

/** Of the documentation ranges (RFC 5737, RFC 3849): nobody is there, and with hop limit 1 nobody would be asked. */
const NOBODY = { 4: "198.51.100.1", 6: "2001:db8::1" } as const;
const PROTOCOLS: readonly EgressProtocol[] = ["icmp", "udp", "tcp"];

/** `nettrace egress [HOST]`: what this host lets out, by protocol and port. Exit 0; 1 nothing is let out; 2; 3 no route. */
export async function runEgress(context: CommandContext, { host, options }: EgressArguments): Promise<number> {
  const ports = parsePorts(options.ports);
  const protocols = parseProtocols(options.protocols);
  const hopLimit = whole("--hop-limit", options.hopLimit, 1, 255) ?? 1;
  const packetsPerSecond = whole("--pps", options.pps, 1, 100_000) ?? 1000;
  const format = options.format ?? "text";
  if (format !== "text" && format !== "json")
    throw new UsageError(`Cannot use --format ${echo(format)}: it must be text or json`);
  if (options.ipv4 && options.ipv6) throw new UsageError("Cannot use -4 with -6: without either both are tried");
  const families = options.ipv4 ? ([4] as const) : options.ipv6 ? ([6] as const) : ([4, 6] as const);

  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  const ways: EgressWay[] = [];
  const closed: { readonly family: 4 | 6; readonly interface: string | null; readonly error: SocketError }[] = [];
  try {
    for (const family of families) {
      const target = await targetOf(context, host, family, abort.signal);
      if (target === undefined) continue;
      const names = options.interface === undefined ? (interfacesTo(target) ?? []) : [options.interface];
      for (const name of names.length === 0 ? [undefined] : names) {
        if (abort.signal.aborted) break;
        try {
          using network = await context.openNetwork(name === undefined ? {} : { interface: name });
          const route = network.route(target);
          const request = { target, protocols, ports, hopLimit, packetsPerSecond, signal: abort.signal };
          const label = `${name ?? route.interface ?? "?"} IPv${family}`;
          const report = await measureEgress(network, request, (done, of) =>
            progress(context, `${label}: ${done} of ${of}`),
          );
          ways.push({ family, interface: name ?? route.interface ?? null, source: route.source, report });
        } catch (error) {
          if (!(error instanceof SocketError)) throw error;
          closed.push({ family, interface: name ?? null, error });
        }
      }
    }
  } finally {
    stopListening();
    progress(context, "");
  }
  if (format === "json") context.stdout.write(`${printableJson(document(ways, closed, hopLimit))}\n`);
  else
    context.stdout.write(
      egressText(ways, closed, ports, hopLimit, createPaint(context.stdout, context.env), context.stdout.columns),
    );
  if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  if (ways.length === 0) return EXIT.refusedHere;
  return ways.some(({ report }) => report.findings.some(({ state }) => state === "out"))
    ? EXIT.reached
    : EXIT.notReached;
}

function parseProtocols(text: string | undefined): readonly EgressProtocol[] {
  if (text === undefined) return PROTOCOLS;
  return text.split(",").map((word) => {
    const found = PROTOCOLS.find((each) => each === word.trim());
    if (found === undefined)
      throw new UsageError(`Cannot use --protocols ${echo(text) || '""'}: they are icmp, udp and tcp`);
    return found;
  });
}

/** Undefined where the host has no address of this family. */
async function targetOf(
  context: CommandContext,
  host: string | undefined,
  family: 4 | 6,
  signal: AbortSignal,
): Promise<IpAddress | undefined> {
  if (host === undefined) return parseAddress(NOBODY[family]);
  const checked = checkHost(host);
  const literal = parseAddress(checked);
  if (literal !== undefined) return literal.family === family ? literal : undefined;
  using network = await context.openNetwork({});
  const lookup = context.lookup === undefined ? {} : { lookup: context.lookup };
  try {
    const { address } = await resolveTarget({
      host: checked,
      family,
      route: (to) => network.route(to),
      signal,
      ...lookup,
    });
    return address;
  } catch (error) {
    // A name with addresses of the other family only is no mistake: that one is measured.
    if (family === 6) return undefined;
    throw error;
  }
}

const CLEAR = "\r\x1b[K";

function progress({ stderr, env }: CommandContext, text: string): void {
  if (stderr.isTerminal && env["TERM"] !== "dumb") stderr.write(CLEAR + text);
}

function document(
  ways: readonly EgressWay[],
  closed: readonly { readonly family: number; readonly interface: string | null; readonly error: SocketError }[],
  hopLimit: number,
): object {
  const finding = ({ protocol, port, state, evidence, errno, answeredBy }: EgressFinding): object => ({
    protocol,
    port,
    state,
    evidence,
    errno,
    answered_by: answeredBy === null ? null : formatAddress(answeredBy),
  });
  return {
    schema: "nettrace.egress/1",
    hop_limit: hopLimit,
    ways: ways.map(({ family, interface: name, source, report }) => ({
      family,
      interface: name,
      source: source === null ? null : formatAddress(source),
      target: formatAddress(report.target),
      sent: report.sent,
      findings: report.findings.map(finding),
      not_tried: report.refusals.map(({ protocol, error }) => ({ protocol, stage: error.stage, errno: error.errno })),
    })),
    closed: closed.map(({ family, interface: name, error }) => ({
      family,
      interface: name,
      stage: error.stage,
      errno: error.errno,
    })),
  };
}
