import type { Family } from "../address.ts";
import type { PluginMode, ProtocolPlugin } from "../plugin.ts";
import { type HostProfile, UNPRIVILEGED } from "../sim/host.ts";
import { target } from "../sim/topologies.ts";
import type { Service, StreamService, Target } from "../sim/topology.ts";
import { runCase, type Subject, whySkipped } from "./case.ts";
import { CONFORMANCE_CASES } from "./cases.ts";
import { PATH_CASES } from "./path-cases.ts";
import { simPluginBenches } from "./sim-benches.ts";
import { type Look, look } from "./survey.ts";

export interface ConformanceOptions {
  /** Where probes go. Default: the plugin's own port, or 0. */
  readonly port?: number;
  /** What a program on the target answers. Absent: nobody there does, and the target says so by ICMP or a reset. */
  readonly service?: ConformanceService;
  /**
   * False: the plugin does not run while the list is made. Which cases cannot be asked of it is then not known, and all
   * are in the list, for fewer hosts. Default true.
   */
  readonly survey?: boolean;
}

/**
 * What a program on the target answers to a payload: behind the UDP header, in a segment of a TCP connection (none where
 * the other side only listens), or, over another protocol, behind the IP header. Undefined: nothing. In a TCP connection it
 * may say `{ bytes, end }`, where `end` closes it or breaks it off.
 */
export type ConformanceService = (payload: Uint8Array) => Uint8Array | ReturnType<StreamService>;

/** One case on one arrangement, to be run by any test runner. */
export interface ConformanceRun {
  /** All of it in one line, unlike that of every other run. */
  readonly title: string;
  /** The behaviour, one sentence. */
  readonly name: string;
  readonly family: Family;
  /** What the host allows, in words. */
  readonly host: string;
  /** Why it cannot be asked of this plugin; false: it can. */
  readonly skip: string | false;
  /** Rejects with an Error whose message is the reason where the plugin fails. */
  run(): Promise<void>;
}

interface Host {
  readonly name: string;
  readonly profile: HostProfile;
  readonly allows: readonly PluginMode["needs"][];
  /** Whether the plugin behaves there otherwise than on the hosts before. */
  readonly matters: (asRoot: Look, here: Look) => boolean;
}

const isIcmp = (look: Look): boolean =>
  look.opened.some((spec) => spec.type === "raw" && (spec.protocol === 1 || spec.protocol === 58));

const HOSTS: readonly Host[] = [
  { name: "as root", profile: {}, allows: ["raw", "ping", "none"], matters: () => true },
  {
    name: "behind INPUT rules that drop ICMP errors",
    profile: { inputDropsIcmpErrors: true },
    allows: ["raw", "ping", "none"],
    // Only a raw ICMP socket has a packet tap beside it, which sees them all the same.
    matters: isIcmp,
  },
  {
    name: "with ping sockets",
    profile: { refusedSockets: [{ types: ["raw"], errno: "EPERM" }] },
    allows: ["ping", "none"],
    matters: (_, here) => here.opened.some(({ type }) => type === "ping"),
  },
  { name: "without privilege", profile: UNPRIVILEGED, allows: ["none"], matters: () => true },
];

const [OPENS] = PATH_CASES;

/**
 * All that is asked of a plugin, on the simulated network, over IPv4 and IPv6, on hosts that allow more or less; each
 * case with its hosts in a row. A plugin that never returns hangs whoever runs it.
 */
export function conformance(plugin: ProtocolPlugin, options: ConformanceOptions = {}): readonly ConformanceRun[] {
  const { port = plugin.defaultPort ?? 0, service, survey = true } = options;
  const asRoot = survey ? look(plugin, port) : undefined;
  const open = service === undefined ? refusing(port, asRoot) : served(port, service);
  const hosts = HOSTS.flatMap(({ name, profile, allows, matters }) => {
    const here = survey ? look(plugin, port, profile) : undefined;
    if (asRoot !== undefined && here !== undefined && !matters(asRoot, here)) return [];
    const benches = simPluginBenches({ port, host: profile, allows, open });
    const subject: Subject = {
      plugin,
      expects: {},
      protocol: asRoot?.protocol,
      speaks: asRoot?.speaks === true,
      allows,
    };
    return [{ name, benches, subject, isRefused: here?.isRefused === true }];
  });
  return CONFORMANCE_CASES.flatMap((each) =>
    hosts
      // Where it may open nothing, that it says so is all there is to see.
      .filter(({ isRefused }) => !isRefused || each === OPENS)
      .flatMap(({ name: host, benches, subject }) =>
        benches.families.map((family) => ({
          title: `${each.name} (IPv${family}, ${host})`,
          name: each.name,
          family,
          host,
          skip: whySkipped(each, subject, benches) ?? (false as const),
          run: () => runCase(each, subject, benches, family),
        })),
      ),
  );
}

/** A port behind which nobody says a word is closed for a plugin that waits for one: that, too, is an answer. */
function refusing(port: number, asRoot: Look | undefined): Partial<Target> {
  const isServed = typeof target().tcp?.ports?.[port] === "function";
  return asRoot?.speaks === true && !isServed ? { tcp: { others: "closed" } } : {};
}

function served(port: number, service: ConformanceService): Partial<Target> {
  const datagrams: Service = (payload) => {
    const answer = answerOf(service, payload);
    if (answer === undefined || answer instanceof Uint8Array) return answer;
    throw new Error("the service returned neither a Uint8Array nor undefined");
  };
  const stream: StreamService = (said) => {
    const answer = answerOf(service, said);
    return answer instanceof Uint8Array ? { bytes: answer } : answer;
  };
  return { udp: datagrams, otherProtocols: datagrams, tcp: { ports: { [port]: stream } } };
}

/** Its faults are not the plugin's. */
function answerOf(service: ConformanceService, payload: Uint8Array): ReturnType<ConformanceService> {
  let answer: unknown;
  try {
    answer = service(payload);
  } catch (error) {
    throw new Error(`the service threw: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (answer === undefined || isAnswer(answer)) return answer;
  throw new Error("the service returned neither a Uint8Array nor undefined, nor { bytes, end }");
}

function isAnswer(answer: unknown): answer is Uint8Array | NonNullable<ReturnType<StreamService>> {
  if (answer instanceof Uint8Array) return true;
  const { bytes, end } = Object(answer);
  const isEnd = end === undefined || end === "closed" || end === "reset";
  return typeof answer === "object" && isEnd && (bytes === undefined || bytes instanceof Uint8Array);
}
