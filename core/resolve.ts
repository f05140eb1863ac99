import { type Family, formatAddress, type IpAddress, parseAddress } from "./address.ts";
import { ResolveError, SocketError } from "./errors.ts";
import type { Route } from "./network.ts";

/**
 * The addresses of a name, in the order in which to try them; family 0: of both families. Rejects with an Error whose
 * `code` is `ENOTFOUND` where there is none, `EAI_AGAIN` where no name server gives an answer.
 */
export type AddressLookup = (name: string, family: 0 | Family) => Promise<readonly IpAddress[]>;

/** What to resolve, and by which means. */
export interface ResolveRequest {
  /** A name or a literal address. */
  readonly host: string;
  /** Only addresses of this family. */
  readonly family?: Family;
  /** As `Network.route`: decides which of several addresses is used. */
  readonly route: (to: IpAddress) => Route;
  /** Default: getaddrinfo(3), which reads /etc/hosts and orders as RFC 6724 says. */
  readonly lookup?: AddressLookup;
  /** Milliseconds until silence of the name servers is an answer; default 5250. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The address to trace to. */
export interface ResolvedTarget {
  readonly address: IpAddress;
  /** Absent where this host refuses to say, for want of a route or because a rule prohibits it. */
  readonly route?: Route;
}

/** The system's resolver asks the second name server after 5 s (resolv.conf(5), `timeout`): one dead server is survived. */
const TIMEOUT_MS = 5250;
/** Some servers never answer a question for AAAA: the addresses of the old family are asked for alone after half the time. */
const IMPATIENT = 0.5;

/**
 * The first address of a host to which there is a route, in getaddrinfo's order; so a name with addresses of both
 * families falls back to the one that this host can send to. Where it can send to none, the first address, so that
 * every attempt tells why; but a name with IPv6 addresses only on a host without IPv6 is a ResolveError. So is a name
 * without an address, or a resolver without an answer. Literals never reach a name server.
 */
export async function resolveTarget(request: ResolveRequest): Promise<ResolvedTarget> {
  const { host, family, route } = request;
  const literal = parseAddress(host);
  if (literal !== undefined && family !== undefined && literal.family !== family) {
    throw new ResolveError(
      `Cannot reach ${formatAddress(literal)} over IPv${family}: it is an IPv${literal.family} address`,
    );
  }
  const addresses = literal === undefined ? await lookUp(request) : [literal];
  const [first] = addresses;
  if (first === undefined) throw new ResolveError(`Cannot resolve ${host}: it has no address`);
  let isRouteMissing = true;
  for (const address of addresses) {
    try {
      return { address, route: route(address) };
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      if (error.errno !== "ENETUNREACH") isRouteMissing = false;
    }
  }
  if (literal === undefined && isRouteMissing && addresses.every((address) => address.family === 6)) {
    const why = family === 6 ? "IPv6 was asked for" : "it has only IPv6 addresses";
    throw new ResolveError(`Cannot reach ${host}: ${why}, and this host has no IPv6 route`);
  }
  return { address: first };
}

async function lookUp(request: ResolveRequest): Promise<readonly IpAddress[]> {
  const { host, family, lookup = lookUpSystem, timeoutMs = TIMEOUT_MS, signal } = request;
  const { asciiName } = await import("./ascii-name.ts");
  const name = asciiName(host);
  const untilMs = performance.now() + timeoutMs;
  // Held, not awaited twice: a lookup that failed after its time must not be an unhandled rejection.
  const asked = outcomeOf(lookup(name, family ?? 0));
  const early = family === undefined ? timeoutMs * IMPATIENT : timeoutMs;
  let result = await within(early, [asked], signal);
  if (result === undefined && family === undefined && !signal?.aborted) {
    const fourOnly = outcomeOf(lookup(name, 4)).then((outcome) => (outcome.error === undefined ? outcome : NEVER));
    result = await within(untilMs - performance.now(), [asked, fourOnly], signal);
  }
  if (signal?.aborted) throw new ResolveError(`Cannot resolve ${host}: stopped`);
  if (result === undefined) throw new ResolveError(silence(host, timeoutMs));
  if (result.error === undefined) return result.addresses;
  if (errorCode(result.error) === "ENOTFOUND" && family !== undefined) {
    const other = await within(untilMs - performance.now(), [outcomeOf(lookup(name, family === 4 ? 6 : 4))], signal);
    if ((other?.addresses.length ?? 0) > 0) {
      throw new ResolveError(`Cannot resolve ${host}: it has no IPv${family} address, only IPv${family === 4 ? 6 : 4}`);
    }
  }
  throw new ResolveError(failure(host, errorCode(result.error)));
}

interface LookupOutcome {
  readonly addresses: readonly IpAddress[];
  readonly error?: unknown;
}

const NEVER: Promise<never> = new Promise(() => {});

function outcomeOf(lookup: Promise<readonly IpAddress[]>): Promise<LookupOutcome> {
  return lookup.then(
    (addresses) => ({ addresses }),
    (error: unknown) => ({ addresses: [], error }),
  );
}

/** The first result, or undefined after `ms` or on abort. */
function within<T>(ms: number, work: readonly Promise<T>[], signal: AbortSignal | undefined): Promise<T | undefined> {
  return new Promise((resolve) => {
    const end = (value?: T): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      resolve(value);
    };
    const abort = (): void => end();
    const timer = setTimeout(abort, Math.max(0, ms));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    for (const each of work) void each.then(end);
  });
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

function failure(host: string, code: string): string {
  if (code === "ENOTFOUND") return `Cannot resolve ${host}: unknown host`;
  if (code === "EAI_AGAIN")
    return `Cannot resolve ${host}: no name server gives an answer (is DNS allowed out of this host?)`;
  return `Cannot resolve ${host}: the resolver fails (${code})`;
}

function silence(host: string, timeoutMs: number): string {
  const seconds = Math.round(timeoutMs / 100) / 10;
  return `Cannot resolve ${host}: no name server answers within ${seconds} s (is DNS allowed out of this host?)`;
}

/** getaddrinfo(3). */
export const lookUpSystem: AddressLookup = async (name, family) => {
  // Loaded where a name is asked for: a literal address needs none of it.
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(name, { all: true, family, verbatim: true });
  return found.flatMap(({ address }) => parseAddress(address) ?? []);
};
