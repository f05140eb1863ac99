import { type Family, type IpAddress, parseAddress, UsageError } from "../../core/mod.ts";
import { checkHost } from "../host.ts";
import { checkOptions, checkPort, oneOf, type TypedOptions } from "../options.ts";
import type { ProxyUrl } from "./url.ts";

/** `auto`'s options where a proxy is asked. */
export type ProxyOptions = TypedOptions & {
  readonly proxy?: string | undefined;
  readonly proxyTls?: string | undefined;
  readonly port?: string | undefined;
};

/** A run through a proxy, checked. */
export interface ProxyPlan {
  readonly host: string;
  readonly proxy: ProxyUrl;
  /** The environment's variable that named the proxy. */
  readonly variable?: string;
  readonly ports: readonly number[];
  /** Ask the later ports only where no earlier one is reached: they were not asked for. */
  readonly untilReached: boolean;
  readonly hasTls: (port: number) => boolean;
  /** Milliseconds, for each phase. */
  readonly timeoutMs: number;
  /** Milliseconds, for the connection to the proxy. */
  readonly connectTimeoutMs: number;
  readonly format: "text" | "json" | "jsonl";
  /** Of the way to the proxy. */
  readonly family?: Family;
  readonly source?: IpAddress;
  readonly typed: TypedOptions;
}

const DEFAULT_PORTS = [443, 80];
/** Proxies try several addresses themselves before they answer. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** A SYN is repeated after one second (RFC 6298 §2.1), and after two more. */
const DEFAULT_CONNECT_TIMEOUT_MS = 3500;
/** IANA's registry: `https` and the ports of TLS from the first octet; 8443 and 6697 by habit. */
const TLS_PORTS = new Set([443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 2376, 3269, 5061, 6443, 6697, 8443]);
const ALLOWED: ReadonlySet<string> = new Set([
  ...["proxy", "proxyTls", "port", "ipv4", "ipv6", "wait", "source", "numeric", "both", "format", "backend"],
]);
const FORMATS = ["text", "json", "jsonl"] as const;

/** Throws UsageError, also for every option that means nothing to an ordinary connection. */
export function planProxy(
  hostText: string,
  options: ProxyOptions,
  proxy: ProxyUrl,
  variable: string | undefined,
): ProxyPlan {
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || ALLOWED.has(key)) continue;
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new UsageError(
      `Cannot use ${flag} with --proxy: the proxy is asked by an ordinary connection, not by probes`,
    );
  }
  const host = checkHost(hostText);
  if (parseAddress(host)?.zone !== undefined) {
    throw new UsageError(`Cannot ask a proxy for ${host}: an interface of this host means nothing to it`);
  }
  const format = oneOf("--format", options.format, FORMATS) ?? "text";
  const { trace, family, source } = checkOptions({ ...options, format: undefined });
  const mode = oneOf("--proxy-tls", options.proxyTls, ["auto", "always", "never"]) ?? "auto";
  const typedPorts = options.port?.split(",").map((each) => checkPort("-p", each.trim()));
  return {
    host,
    proxy,
    ...(variable !== undefined && { variable }),
    ports: [...new Set(typedPorts ?? DEFAULT_PORTS)],
    untilReached: typedPorts === undefined,
    hasTls: (port) => mode === "always" || (mode === "auto" && TLS_PORTS.has(port)),
    timeoutMs: trace.maxWaitMs ?? DEFAULT_TIMEOUT_MS,
    connectTimeoutMs: trace.maxWaitMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    format,
    ...(family !== undefined && { family }),
    ...(source !== undefined && { source }),
    typed: options,
  };
}
