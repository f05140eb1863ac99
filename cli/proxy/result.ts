import type { IpAddress, ProxyReach, ProxyVerdict } from "../../core/mod.ts";
import type { InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import type { ProxyPlan } from "./plan.ts";

/** What is known before the proxy is asked. */
export interface ProxyHead {
  readonly plan: ProxyPlan;
  readonly proxyAddress: IpAddress;
  /** Milliseconds that its name took; null where a literal was given. */
  readonly proxyNameMs: number | null;
  /** What the proxy is asked for where it is no name. */
  readonly targetAddress: IpAddress | null;
  /** Null where this host did not resolve the name. */
  readonly targetNameMs: number | null;
  /** Wall-clock time. */
  readonly started: Date;
}

/** One port; `denied`: this host keeps back the connection to the proxy. */
export interface ProxyAttempt extends Omit<ProxyReach, "verdict"> {
  readonly verdict: ProxyVerdict | "denied";
}

export interface ProxyEnd {
  readonly attempts: readonly ProxyAttempt[];
  readonly durationMs: number;
  readonly interrupted: InterruptSignal | undefined;
}

/** A proxy whose word was found wanting on one port is not believed on another. */
export function proxyExitCode({ attempts, interrupted }: ProxyEnd): number {
  if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  const has = (verdict: ProxyAttempt["verdict"]): boolean => attempts.some((each) => each.verdict === verdict);
  if (has("reached") || (has("connected") && !has("unproven"))) return EXIT.reached;
  return has("denied") ? EXIT.refusedHere : EXIT.notReached;
}
