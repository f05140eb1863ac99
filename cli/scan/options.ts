import {
  DEFAULT_SCAN_OPTIONS,
  type ProbeOptions,
  type Rung,
  type ScanOptions,
  type SystemNetworkOptions,
  UsageError,
} from "../../core/mod.ts";
import type { ProtocolChoice } from "../context.ts";
import { parseRung } from "../ladder.ts";
import { checkOptions, decimal, oneOf, type TypedOptions, whole } from "../options.ts";
import { type ValuesByPlugin, withPluginOptions } from "../plugins/options.ts";

/** What `scan --format` takes: every one has a line or a row for each target, as it is complete. */
const SCAN_FORMATS = ["jsonl", "csv", "scamper-json", "atlas"] as const;
export type ScanFormat = (typeof SCAN_FORMATS)[number];

/** The options of `scan` as typed. */
export interface TypedScanOptions {
  readonly file: string;
  readonly protocol?: string | undefined;
  readonly blocklist?: string | undefined;
  readonly resume?: string | undefined;
  readonly seed?: string | undefined;
  readonly format?: string | undefined;
  readonly pps?: string | undefined;
  readonly prefixPps?: string | undefined;
  readonly hopPps?: string | undefined;
  /** False: `--no-stop-set`. */
  readonly stopSet?: boolean | undefined;
  readonly maxHops?: string | undefined;
  readonly maxGap?: string | undefined;
  readonly queries?: string | undefined;
  readonly wait?: string | undefined;
  readonly source?: string | undefined;
  readonly interface?: string | undefined;
  readonly sport?: string | undefined;
  readonly size?: string | undefined;
  readonly tos?: string | undefined;
  readonly backend?: string | undefined;
}

/** The same, checked. */
export interface ScanSettings {
  readonly rung: Rung;
  readonly format: ScanFormat;
  readonly seed: number | undefined;
  readonly scan: Partial<ScanOptions>;
  readonly probe: ProbeOptions;
  readonly network: SystemNetworkOptions;
  /** All that shapes a row, as text: a scan is resumed with the same only. */
  readonly identity: string;
}

/** Sends whose probes are sockets of their own: a machine has no room for so many. */
const NOT_FOR_MANY: Readonly<Record<string, string>> = {
  "tcp-connect": "each of its probes is a connection, and so a socket, of its own: use tcp-syn",
  "tcp-reach": "it shows no hops",
};

/** Throws UsageError for the first value that is out of range. */
export function checkScanOptions(
  typed: TypedScanOptions,
  protocols: ProtocolChoice,
  values: ValuesByPlugin,
): ScanSettings {
  const [rung] = withPluginOptions([parseRung("-P", typed.protocol ?? "icmp", protocols.plugins)], values);
  if (rung === undefined) throw new UsageError("Cannot scan without a protocol");
  const why = NOT_FOR_MANY[rung.plugin.name];
  if (why !== undefined) throw new UsageError(`Cannot scan with ${rung.plugin.name}: ${why}`);
  // What a trace takes as well is checked in one place.
  const { wait, source, interface: name, sport, size, tos, backend } = typed;
  const common: TypedOptions = { wait, source, interface: name, sport, size, tos, backend };
  const checked = checkOptions(common);
  const format = oneOf("--format", typed.format, SCAN_FORMATS) ?? "jsonl";
  const pps = decimal("--pps", typed.pps, 0.1, 1_000_000, "a number");
  const numbers = {
    packetsPerSecond: pps,
    perPrefix: decimal("--prefix-pps", typed.prefixPps, 0.1, 1_000_000, "a number"),
    perHop: decimal("--hop-pps", typed.hopPps, 0.1, 1_000_000, "a number"),
    maxHop: whole("-m", typed.maxHops, 1, 255),
    maxGap: whole("--max-gap", typed.maxGap, 1, 255),
    tries: whole("-q", typed.queries, 1, 8),
    waitMs: checked.trace.maxWaitMs,
  };
  const given = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
  const scan: Partial<ScanOptions> = { ...given, stopSet: typed.stopSet !== false };
  const { maxHop, maxGap, tries, waitMs, stopSet } = { ...DEFAULT_SCAN_OPTIONS, ...scan };
  const port = rung.port || (rung.plugin.defaultPort ?? 0);
  const probe: ProbeOptions = {
    ...(checked.sourcePort !== undefined && { sourcePort: checked.sourcePort }),
    ...(checked.packetSize !== undefined && { packetSize: checked.packetSize }),
    ...(rung.options !== undefined && { plugin: rung.options }),
  };
  return {
    rung: { ...rung, port },
    format,
    seed: whole("--seed", typed.seed, 0, 999_999_999),
    scan,
    probe,
    network: {
      ...checked.send,
      backend: checked.backend,
      ...(checked.source !== undefined && { source: checked.source }),
      ...(checked.interface !== undefined && { interface: checked.interface }),
    },
    identity: JSON.stringify([rung.plugin.name, port, probe, checked.send, { maxHop, maxGap, tries, waitMs, stopSet }]),
  };
}
