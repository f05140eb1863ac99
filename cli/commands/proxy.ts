import {
  type Attempt,
  asciiName,
  auto,
  type IpAddress,
  type Network,
  type ProxyDestination,
  type ProxyPhase,
  parseAddress,
  REFUSED_HERE,
  reachThroughProxy,
  resolveTarget,
  SocketError,
  UsageError,
} from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { checkOptions } from "../options.ts";
import { proxyOfEnvironment } from "../proxy/environment.ts";
import { type ProxyOptions, type ProxyPlan, planProxy } from "../proxy/plan.ts";
import { type ProxyAttempt, type ProxyHead, proxyExitCode } from "../proxy/result.ts";
import { parseProxyUrl } from "../proxy/url.ts";
import { createProxyReporter } from "../render/proxy.ts";
import { checkZone, openNetwork, routeOf } from "./run.ts";

/** A list of ports must not become a flood of connections to one proxy. */
const MOST_AT_ONCE = 8;
/** RFC 1928 §5: the length of a name is one octet. */
const LONGEST_NAME = 255;

/**
 * The proxy that `--proxy` names, as a plan; undefined where the environment excludes the host from its proxy, which is
 * said on stderr. Throws UsageError.
 */
export function planOf(
  context: CommandContext,
  host: string,
  options: ProxyOptions & { readonly proxy: string },
): ProxyPlan | undefined {
  if (options.proxy !== "env") return planProxy(host, options, parseProxyUrl("--proxy", options.proxy), undefined);
  const found = proxyOfEnvironment(context.env, host);
  if ("proxy" in found) return planProxy(host, options, found.proxy, found.variable);
  context.stderr.write(
    `nettrace: no proxy for this host: ${found.excludedBy} has ${found.entry}; it is tried directly\n`,
  );
  return undefined;
}

/** `nettrace auto HOST --proxy URL`: asks the proxy for each port, and returns the exit status. */
export async function runProxy(context: CommandContext, plan: ProxyPlan): Promise<number> {
  checkZone(plan.proxy.host, checkOptions(plan.typed));
  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  try {
    using network = await openNetwork(
      { ...context, stderr: { ...context.stderr, write: () => {} } },
      checkOptions(plan.typed),
    );
    const head = await headOf(context, plan, network, abort.signal);
    const reporter = createProxyReporter(context, head);
    const startedMs = performance.now();
    const attempts = await askAll(head, abort.signal, reporter.phase, async (attempt) => {
      const seen = isUnconnected(attempt) ? await secondLook(context, head, network, attempt, abort.signal) : attempt;
      reporter.attempt(seen);
      return seen;
    });
    const end = { attempts, durationMs: performance.now() - startedMs, interrupted };
    reporter.finish(end);
    return proxyExitCode(end);
  } catch (error) {
    if (interrupted === undefined) throw error;
    return proxyExitCode({ attempts: [], durationMs: 0, interrupted });
  } finally {
    stopListening();
  }
}

async function headOf(
  context: CommandContext,
  plan: ProxyPlan,
  network: Network,
  signal: AbortSignal,
): Promise<ProxyHead> {
  const { proxy, host, family } = plan;
  const timed = async (name: string, route: (to: IpAddress) => ReturnType<Network["route"]>, only = family) => {
    const beganMs = performance.now();
    const { address } = await resolveTarget({
      host: name,
      route,
      signal,
      ...(only !== undefined && { family: only }),
      ...(context.lookup !== undefined && { lookup: context.lookup }),
    });
    return { address, ms: parseAddress(name) === undefined ? performance.now() - beganMs : null };
  };
  const found = await timed(proxy.host, (to) => routeOf(network, to, checkOptions(plan.typed)));
  const literal = parseAddress(host);
  // It is the proxy that has to have a way there, so that the order of the resolver is all there is to go by.
  const resolved =
    literal === undefined && proxy.scheme === "socks5" ? await timed(host, nobodysRoute, undefined) : null;
  return {
    plan,
    proxyAddress: found.address,
    proxyNameMs: found.ms,
    targetAddress: literal ?? resolved?.address ?? null,
    targetNameMs: resolved?.ms ?? null,
    started: context.now(),
  };
}

function nobodysRoute(): never {
  throw new SocketError("route", null, "ask for the way of somebody else");
}

async function askAll(
  head: ProxyHead,
  signal: AbortSignal,
  onPhase: (port: number, phase: ProxyPhase) => void,
  settle: (attempt: ProxyAttempt) => Promise<ProxyAttempt>,
): Promise<readonly ProxyAttempt[]> {
  const { plan } = head;
  const destination = destinationOf(head);
  const ask = async (port: number): Promise<ProxyAttempt> => {
    const { scheme, host, credentials } = plan.proxy;
    const attempt = await reachThroughProxy({
      proxy: {
        protocol: scheme === "socks5h" ? "socks5" : scheme,
        name: asciiName(host),
        endpoint: { address: head.proxyAddress, port: plan.proxy.port },
        ...(credentials !== undefined && { credentials }),
      },
      destination: destination(port),
      host: serverName(plan.host),
      tls: plan.hasTls(port),
      timeoutMs: plan.timeoutMs,
      connectTimeoutMs: plan.connectTimeoutMs,
      ...(plan.source !== undefined && { source: plan.source }),
      signal,
      onPhase: (phase) => onPhase(port, phase),
    });
    return settle(attempt);
  };
  const attempts: ProxyAttempt[] = [];
  const waiting = [...plan.ports];
  const worker = async (): Promise<void> => {
    for (let port = waiting.shift(); port !== undefined && !signal.aborted; port = waiting.shift()) {
      const attempt = await ask(port);
      attempts.push(attempt);
      if (isSameForAll(attempt) || (plan.untilReached && attempt.verdict === "reached")) waiting.length = 0;
      if (!plan.untilReached && attempts.length === 1)
        await Promise.all(Array.from({ length: MOST_AT_ONCE - 1 }, worker));
    }
  };
  await worker();
  return attempts.sort((a, b) => plan.ports.indexOf(a.port) - plan.ports.indexOf(b.port));
}

function destinationOf({ plan, targetAddress }: ProxyHead): (port: number) => ProxyDestination {
  if (targetAddress !== null) return (port) => ({ address: targetAddress, port });
  const name = asciiName(plan.host);
  if (name.length > LONGEST_NAME) throw new UsageError(`Cannot ask a proxy for a name of ${name.length} characters`);
  return (port) => ({ name, port });
}

/** RFC 6066 §3: without the last dot. */
function serverName(host: string): string {
  return parseAddress(host)?.text ?? asciiName(host).replace(/\.$/, "");
}

/** Whether other ports would end like this one: no proxy is there, or it does not know the user, who must not be locked out. */
function isSameForAll({ phases, answer }: ProxyAttempt): boolean {
  return phases.at(-1)?.name !== "tls" && (!phases.some(({ name }) => name === "connect") || isLoginRefusal(answer));
}

function isLoginRefusal(answer: ProxyAttempt["answer"]): boolean {
  return answer?.protocol === "http" && (answer.code === 401 || answer.code === 407);
}

function isUnconnected({ verdict, phases }: ProxyAttempt): boolean {
  return verdict === "no-proxy" && phases.at(-1)?.name === "connect-proxy";
}

/** Why there is no connection: the runtime's client does not know, the ladder's last rung does. */
async function secondLook(
  context: CommandContext,
  { plan, proxyAddress }: ProxyHead,
  network: Network,
  attempt: ProxyAttempt,
  signal: AbortSignal,
): Promise<ProxyAttempt> {
  const { plugins, last } = await context.protocols();
  const plugin = plugins.find(({ name }) => name === last);
  if (plugin === undefined || signal.aborted) return attempt;
  let judged: Attempt | undefined;
  const ladder = [{ plugin, port: plan.proxy.port }];
  for await (const event of auto(network, { target: proxyAddress, ladder, signal })) {
    if (event.type === "finished") judged = event.attempts.at(0);
  }
  if (judged?.verdict === undefined || judged.verdict === "abandoned") return attempt;
  if (REFUSED_HERE.has(judged.verdict)) {
    return {
      ...attempt,
      verdict: "denied",
      reason: `this host keeps back the connection to the proxy: ${judged.reason}`,
    };
  }
  return { ...attempt, reason: `${attempt.reason}; ${plugin.name} to it: ${judged.reason}` };
}
