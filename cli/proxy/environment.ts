import { parseAddress, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";
import { type ProxyUrl, parseProxyUrl } from "./url.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says about the way to a host. */
export type ProxyOfEnvironment =
  | { readonly proxy: ProxyUrl; readonly variable: string }
  /** By which variable, and which entry of it. */
  | { readonly excludedBy: string; readonly entry: string };

/**
 * Lower case goes before upper case, as with curl. HTTP_PROXY is not looked at in any case: in a CGI it is a client's
 * header, and what it is meant for is not CONNECT.
 */
const PROXIES = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] as const;
const EXCLUSIONS = ["no_proxy", "NO_PROXY"] as const;

/** The variable that names a proxy. */
export function proxyVariable(env: Environment): (typeof PROXIES)[number] | undefined {
  return PROXIES.find((name) => (env[name] ?? "") !== "");
}

/** `--proxy env`. Throws UsageError where no variable names a proxy, or one is no URL. */
export function proxyOfEnvironment(env: Environment, host: string): ProxyOfEnvironment {
  const variable = proxyVariable(env);
  if (variable === undefined) {
    throw new UsageError(
      `Cannot use --proxy env: none of ${PROXIES.join(", ")} is set (HTTP_PROXY is not looked at; type the proxy)`,
    );
  }
  const proxy = parseProxyUrl(variable, env[variable] ?? "");
  const excludedBy = EXCLUSIONS.find((name) => env[name] !== undefined);
  const list = excludedBy === undefined ? [] : (env[excludedBy] ?? "").split(/[\s,]+/).filter((entry) => entry !== "");
  const entry = list.find((each) => isExcluded(host, each));
  if (excludedBy === undefined || entry === undefined) return { proxy, variable };
  return { excludedBy, entry: echo(entry) };
}

/** `*`, a domain with all below it (a dot before it changes nothing), an address, or a network as 10.0.0.0/8. */
function isExcluded(host: string, entry: string): boolean {
  if (entry === "*") return true;
  const address = parseAddress(host);
  if (address === undefined) {
    const name = bare(host);
    const domain = bare(entry.replace(/^\./, ""));
    return domain !== "" && (name === domain || name.endsWith(`.${domain}`));
  }
  const [, network = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const other = parseAddress(network);
  if (other?.family !== address.family) return false;
  const length = bits === undefined ? 8 * other.bytes.length : Number(bits);
  return length <= 8 * other.bytes.length && isSamePrefix(address.bytes, other.bytes, length);
}

function isSamePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  return a.every((octet, index) => {
    const here = Math.min(8, Math.max(0, bits - 8 * index));
    const mask = 0xff & (0xff << (8 - here));
    return (octet & mask) === ((b[index] ?? 0) & mask);
  });
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
