import type { Endpoint } from "../address.ts";
import { PluginError, SocketError, UsageError } from "../errors.ts";
import type { Arrival, Network } from "../network.ts";
import type { PluginValues, ProbeOptions, ProbeSession, ProtocolPlugin } from "../plugin.ts";
import type { Reply } from "../probe.ts";

/**
 * Opens a session behind a guard: whatever the plugin does against its contract becomes a PluginError, so that the caller
 * meets no other fault. (An endless loop cannot be interrupted in one thread.) Throws SocketError and UsageError as
 * `open` does.
 */
export function openGuarded(
  plugin: ProtocolPlugin,
  network: Network,
  target: Endpoint,
  options: ProbeOptions,
): ProbeSession {
  let session: ProbeSession;
  try {
    session = plugin.open(network, target, withDefaults(plugin, options));
  } catch (error) {
    if (error instanceof SocketError || error instanceof UsageError) throw error;
    throw fault("open", error);
  }
  const opened = checkSession(session);
  let { mode } = opened;

  return {
    get mode() {
      // Some modes change under way. It is only shown: an old one does no harm.
      const current = attempt(() => session.mode);
      if (isMode(current)) mode = current;
      return mode;
    },
    ...(opened.probesPerFlow !== undefined && { probesPerFlow: opened.probesPerFlow }),
    ...(opened.reachOnly && { reachOnly: opened.reachOnly }),
    ...(opened.hiddenRefusalAtMs !== undefined && { hiddenRefusalAtMs: opened.hiddenRefusalAtMs }),
    get unattributed() {
      const current = attempt(() => session.unattributed);
      return typeof current === "number" && current >= 0 ? current : 0;
    },
    send(probe) {
      let result: unknown;
      try {
        result = session.send(probe);
      } catch (error) {
        throw error instanceof SocketError ? error : fault("send", error);
      }
      if (isPromise(result)) refusePromise("send", result);
    },
    match(arrival) {
      let reply: unknown;
      try {
        reply = session.match(arrival);
      } catch (error) {
        throw fault("match", error);
      }
      return reply === undefined ? undefined : checkReply("match", reply, arrival);
    },
    provisional(arrival) {
      let reply: unknown;
      try {
        reply = session.provisional?.(arrival);
      } catch (error) {
        throw fault("provisional", error);
      }
      return reply === undefined ? undefined : checkReply("provisional", reply, arrival);
    },
    forget(sequence) {
      let result: unknown;
      try {
        result = session.forget?.(sequence);
      } catch (error) {
        throw fault("forget", error);
      }
      if (isPromise(result)) refusePromise("forget", result);
    },
    hiddenRefusal() {
      let refusal: unknown;
      try {
        refusal = session.hiddenRefusal?.();
      } catch (error) {
        throw fault("hiddenRefusal", error);
      }
      if (refusal === undefined || refusal instanceof SocketError) return refusal;
      if (isPromise(refusal)) refusePromise("hiddenRefusal", refusal);
      throw fault("hiddenRefusal", "it returned no SocketError");
    },
    [Symbol.dispose]() {
      let result: unknown;
      try {
        result = session[Symbol.dispose]();
      } catch (error) {
        throw fault("dispose", error);
      }
      if (isPromise(result)) refusePromise("dispose", result);
    },
  };
}

function withDefaults({ options = [] }: ProtocolPlugin, given: ProbeOptions): ProbeOptions {
  const values: Record<string, PluginValues[string]> = {};
  for (const { name, default: preset } of options) if (preset !== undefined) values[name] = preset;
  return { ...given, plugin: { ...values, ...given.plugin } };
}

/** What is read but once, and is the ground of the schedule. */
function checkSession(
  session: unknown,
): Pick<ProbeSession, "mode" | "probesPerFlow" | "reachOnly" | "hiddenRefusalAtMs"> {
  if (isPromise(session)) refusePromise("open", session);
  if (!isRecord(session)) throw fault("open", "it returned no session");
  const read = (key: string | symbol): unknown => {
    try {
      return session[key];
    } catch (error) {
      throw fault(String(key), error);
    }
  };
  for (const key of ["send", "match", Symbol.dispose]) {
    if (typeof read(key) !== "function") throw fault("open", `its session has no function ${String(key)}`);
  }
  const [mode, probesPerFlow, asks] = [read("mode"), read("probesPerFlow"), read("hiddenRefusalAtMs")];
  if (!isMode(mode)) throw fault("open", "its session's mode is not a short text");
  if (probesPerFlow !== undefined && !(isWhole(probesPerFlow, 65_536) && probesPerFlow > 0)) {
    throw fault("open", "its session's probesPerFlow is not a whole number from 1 to 65536");
  }
  if (asks !== undefined && !isAscending(asks)) {
    throw fault("open", "its session's hiddenRefusalAtMs are not ascending milliseconds");
  }
  return {
    mode,
    ...(probesPerFlow !== undefined && { probesPerFlow }),
    ...(read("reachOnly") === true && { reachOnly: true }),
    ...(asks !== undefined && { hiddenRefusalAtMs: asks }),
  };
}

const EFFECTS: ReadonlySet<unknown> = new Set(["transit", "reached", "unreachable"]);
const LONGEST_MARK = 100;

function checkReply(where: string, reply: unknown, arrival: Arrival): Reply {
  if (isPromise(reply)) refusePromise(where, reply);
  if (!isRecord(reply)) throw fault(where, "it returned no reply");
  const { sequence, from, effect, icmp, mark, mpls, ambiguous, local, size } = reply;
  if (!isWhole(sequence, 0xffff)) throw fault(where, "the sequence is not a whole number from 0 to 65535");
  if (!EFFECTS.has(effect)) throw fault(where, "the effect is none of transit, reached, unreachable");
  const responder =
    arrival.kind === "error" ? arrival.offender : arrival.kind === "departure" ? undefined : arrival.from;
  if (!isRecord(from) || from["text"] !== responder?.text) {
    throw fault(where, "it names another responder than the one that the packet came from");
  }
  if (mark !== undefined && !(typeof mark === "string" && mark.length <= LONGEST_MARK)) {
    throw fault(where, `the mark is not a text of at most ${LONGEST_MARK} characters`);
  }
  if (icmp !== undefined && !(isRecord(icmp) && isWhole(icmp["type"], 255) && isWhole(icmp["code"], 255))) {
    throw fault(where, "icmp is not { type, code }, each from 0 to 255");
  }
  if (mpls !== undefined && !(Array.isArray(mpls) && mpls.every(isLabel))) {
    throw fault(where, "mpls are not { label, trafficClass, bottomOfStack, ttl }");
  }
  for (const key of ["replyHopLimit", "quotedHopLimit", "tcpFlags"]) {
    if (reply[key] !== undefined && !isWhole(reply[key], 255)) throw fault(where, `${key} is not from 0 to 255`);
  }
  if (reply["mtu"] !== undefined && !isWhole(reply["mtu"], 2 ** 32))
    throw fault(where, "the mtu is no number of octets");
  if (size !== undefined && !isWhole(size, 65_535)) throw fault(where, "the size is no number of octets");
  if (ambiguous !== undefined && ambiguous !== true) throw fault(where, "ambiguous is neither true nor absent");
  if (local !== undefined && local !== true) throw fault(where, "local is neither true nor absent");
  return reply as unknown as Reply;
}

function isLabel(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { label, trafficClass, bottomOfStack, ttl } = value;
  return isWhole(label, 0xfffff) && isWhole(trafficClass, 7) && isWhole(ttl, 255) && typeof bottomOfStack === "boolean";
}

function isRecord(value: unknown): value is Readonly<Record<string | symbol, unknown>> {
  return typeof value === "object" && value !== null;
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}

function isMode(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= LONGEST_MARK;
}

function isAscending(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each, at) => typeof each === "number" && each >= (value[at - 1] ?? 0));
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return isRecord(value) && typeof value["then"] === "function";
}

/** Its rejection is nobody's to handle: it must not end the process. */
function refusePromise(where: string, promise: PromiseLike<unknown>): never {
  promise.then(undefined, () => undefined);
  throw fault(where, "it returned a promise");
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function fault(where: string, error: unknown): PluginError {
  const text = error instanceof Error ? error.message : attempt(() => String(error));
  return new PluginError(`Cannot go on: the plugin failed in ${where}: ${text ?? "it threw what has no text"}`);
}
