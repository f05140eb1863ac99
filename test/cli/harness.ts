import { runCommandLine } from "../../cli/app.ts";
import type { CommandContext, InterruptSignal, Output } from "../../cli/context.ts";
import { type IpAddress, type Network, parseAddress, SocketError } from "../../core/mod.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork, type SimNetwork } from "../../core/sim/network.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { builtInPlugins, defaultOrder, tcpReach } from "../../plugins/mod.ts";

export interface CliRun {
  readonly topology: Topology;
  readonly host?: HostProfile;
  /** More targets, each behind a path of its own. */
  readonly others?: readonly Topology[];
  /** Whether stdout and stderr are terminals. */
  readonly terminal?: { readonly stdout?: boolean; readonly stderr?: boolean; readonly columns?: number };
  readonly env?: Readonly<Record<string, string>>;
  /** Names by address. */
  readonly names?: Readonly<Record<string, string>>;
  /** Numbers of networks by address. */
  readonly networks?: Readonly<Record<string, readonly number[]>>;
  /** Addresses by name; `dst.test` has both of the simulated target's. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  readonly lookup?: CommandContext["lookup"];
  readonly origins?: CommandContext["origins"];
  /** The C library cannot be called. */
  readonly reachOnly?: boolean;
  /** Opening the network fails with this. */
  readonly openFailure?: Error;
  /** A status is asked for as soon as virtual time has got there. */
  readonly statusAtMs?: number;
  /** What comes in on standard input as soon as virtual time has got there. */
  readonly input?: readonly { readonly atMs: number; readonly text: string }[];
  /** A signal comes as soon as virtual time has got there. */
  readonly interrupt?: { readonly atMs: number; readonly signal: InterruptSignal };
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Each write to stdout with the virtual time at which it came. */
  readonly writes: readonly { readonly atMs: number; readonly text: string }[];
  /** What left the simulated host. */
  readonly sent: SimNetwork["sent"];
}

const STARTED = new Date("2026-01-02T03:04:05.678Z");
const DST = ["2001:db8:ffff::10", "198.51.100.10"];

/** Runs a command line in this process, on the simulated network. `argv` is split at spaces. */
export async function runCli(argv: string | readonly string[], run: CliRun): Promise<CliResult> {
  const { terminal = {}, env = {} } = run;
  let stdout = "";
  let stderr = "";
  const writes: { atMs: number; text: string }[] = [];
  let network: SimNetwork | undefined;
  let interrupt: ((signal: InterruptSignal) => void) | undefined;
  let tellStatus: (() => void) | undefined;
  let type: ((text: string) => void) | undefined;

  const output = (isTerminal: boolean | undefined, write: (text: string) => void): Output => ({
    write,
    isTerminal: isTerminal === true,
    columns: isTerminal === true ? (terminal.columns ?? 80) : undefined,
  });
  const context: CommandContext = {
    stdout: output(terminal.stdout, (text) => {
      stdout += text;
      writes.push({ atMs: network?.nowMs() ?? 0, text });
    }),
    stderr: output(terminal.stderr, (text) => {
      stderr += text;
    }),
    env,
    protocols: async () => ({ plugins: [...builtInPlugins, tcpReach], order: defaultOrder, last: tcpReach.name }),
    async openNetwork(send) {
      if (run.openFailure !== undefined) throw run.openFailure;
      const others = run.others ?? [];
      network = createSimNetwork(run.topology, { seed: 1, host: run.host ?? {}, send, others });
      const open = run.reachOnly ? reachOnlyNetwork(network) : network;
      const told = interruptedNetwork(open, run.statusAtMs, () => tellStatus?.());
      const typed = (run.input ?? []).reduce(
        (to, { atMs, text }) => interruptedNetwork(to, atMs, () => type?.(text)),
        told,
      );
      return interruptedNetwork(typed, run.interrupt?.atMs, () => interrupt?.(run.interrupt?.signal ?? "SIGINT"));
    },
    lookup: run.lookup ?? (async (name, family) => lookUp(run.addresses?.[name] ?? DST, family)),
    reverse: async ({ text }) => run.names?.[text],
    hostName: "here",
    origins:
      run.origins ??
      (async ({ text }) => {
        const asns = run.networks?.[text];
        return asns && { asns };
      }),
    now: () => STARTED,
    onInterrupt(handler) {
      interrupt = handler;
      return () => {
        interrupt = undefined;
      };
    },
    onInput(handler) {
      type = handler;
      return () => {
        type = undefined;
      };
    },
    onStatus(handler) {
      tellStatus = () => {
        tellStatus = undefined;
        handler();
      };
      return () => {
        tellStatus = undefined;
      };
    },
  };
  const args = typeof argv === "string" ? argv.split(" ") : argv;
  const code = await runCommandLine(args, context);
  return { code, stdout, stderr, writes, sent: network?.sent ?? [] };
}

/** The text between the lines of code, without the first newline and the indentation of the last. */
export function text(strings: TemplateStringsArray): string {
  const lines = (strings.raw[0] ?? "").split("\n").slice(1);
  const indent = (lines.at(-1) ?? "").length + 2;
  return lines
    .slice(0, -1)
    .map((line) => `${line.slice(indent)}\n`)
    .join("");
}

/** The text with `#` for the durations in its ladder, which are the engine's choice and not the renderer's. */
export function withoutDurations(stdout: string): string {
  const row = /^((?:icmp|udp|tcp-\S+) .*? (?:\d+|-)) {2} *[\d.]+(?= {2})/gm;
  return stdout.replace(row, "$1      #");
}

function lookUp(texts: readonly string[], family: 0 | 4 | 6): readonly IpAddress[] {
  const found = texts.flatMap((each) => parseAddress(each) ?? []);
  const wanted = found.filter((address) => family === 0 || address.family === family);
  if (wanted.length === 0) throw Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" });
  return wanted;
}

function reachOnlyNetwork(network: Network): Network {
  const refuse = (): never => {
    throw new SocketError("socket", null, "open a socket", "the C library cannot be called");
  };
  return {
    reachOnly: true,
    nowMs: () => network.nowMs(),
    route: refuse,
    open: refuse,
    dial: (to, hopLimit, localPort, tag) =>
      hopLimit === undefined ? network.dial(to, undefined, localPort, tag) : refuse(),
    receive: (untilMs, signal) => network.receive(untilMs, signal),
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
}

function interruptedNetwork(network: Network, atMs: number | undefined, interrupt: () => void): Network {
  if (atMs === undefined) return network;
  let isOver = false;
  return {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => network.open(spec, family),
    dial: (to, hopLimit, localPort) => network.dial(to, hopLimit, localPort),
    async receive(untilMs, signal) {
      if (isOver) return network.receive(untilMs, signal);
      const arrival = await network.receive(Math.min(untilMs, Math.max(atMs, network.nowMs())), signal);
      if (network.nowMs() >= atMs) {
        isOver = true;
        interrupt();
      }
      return arrival;
    },
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
}
