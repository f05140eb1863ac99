import { networkInterfaces, release } from "node:os";
import { inspectSockets, isPrivileged, SocketError, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import type { Check } from "../doctor/check.ts";
import { hostFiles } from "../doctor/host-files.ts";
import { kernelChecks } from "../doctor/kernel.ts";
import { protocolChecks, resolverChecks, routeChecks, socketChecks } from "../doctor/network.ts";
import { rightsChecks } from "../doctor/rights.ts";
import { ruleChecks } from "../doctor/rules.ts";
import { EXIT } from "../exit-codes.ts";
import { VERSION_LINE } from "../help.ts";
import { echo } from "../host.ts";
import { printableJson } from "../printable.ts";
import { NOBODY, successor } from "../privileges/resign.ts";
import { doctorTable } from "../render/doctor.ts";
import { createPaint } from "../render/style.ts";
import { libcText, runtimeText } from "../version.ts";

export interface DoctorArguments {
  readonly format?: string | undefined;
}

/**
 * `nettrace doctor`: what this host takes away from a trace, and what to do about it. Sends nothing. The exit status is 3
 * where no protocol can run at all.
 */
export async function runDoctor(context: CommandContext, { format = "text" }: DoctorArguments): Promise<number> {
  if (format !== "text" && format !== "json") {
    throw new UsageError(`Cannot use --format ${echo(format) || '""'}: it must be text or json`);
  }
  const checks = await examine(context);
  const protocols = checks.filter(({ group }) => group === "protocols");
  const canTrace = protocols.some(({ state }) => state === "ok" || state === "limited");
  if (format === "json") {
    const rows = checks.map(({ group, name, state, finding, remedy }) => ({
      group,
      name,
      state,
      finding,
      remedy: remedy ?? null,
    }));
    context.stdout.write(`${printableJson({ schema: "nettrace.doctor/1", can_trace: canTrace, checks: rows })}\n`);
  } else {
    context.stdout.write(doctorTable(checks, createPaint(context.stdout, context.env), context.stdout.columns));
  }
  return canTrace ? EXIT.reached : EXIT.refusedHere;
}

async function examine(context: CommandContext): Promise<readonly Check[]> {
  const inspection = await inspectSockets();
  const { plugins } = await context.protocols();
  const uid = process.getuid?.();
  const isLinux = process.platform === "linux";
  const [rights, rules] = isLinux
    ? await Promise.all([rightsChecks(hostFiles, uid, process.execPath), ruleChecks(hostFiles, uid === 0)])
    : [[], []];
  return [
    { group: "program", name: "version", state: "ok", finding: VERSION_LINE },
    { group: "program", name: "runtime", state: "ok", finding: runtimeText() },
    {
      group: "program",
      name: "system",
      state: isLinux ? "ok" : "limited",
      finding: `${process.platform} ${release()} ${process.arch}`,
    },
    ...(isLinux ? [libcCheck()] : []),
    ...rights,
    ...((await isPrivileged()) ? [resignation(context)] : []),
    ...socketChecks(inspection),
    ...protocolChecks(plugins, inspection),
    ...(isLinux ? kernelChecks(hostFiles, groups(), interfaces()) : []),
    ...(await routes(context)),
    // Windows keeps its name servers elsewhere.
    ...(process.platform === "win32" ? [] : resolverChecks(hostFiles)),
    ...rules,
  ];
}

/** What a command that traces would do with the rights that this one keeps. */
function resignation({ resign, env }: CommandContext): Check {
  const check = { group: "rights", name: "while tracing" } as const;
  if (resign === undefined) {
    const finding = "kept: --keep-privileges was given, or this is not the executable";
    return { ...check, state: "limited", finding, remedy: "the executable, as it is, gives them away" };
  }
  const { uid } = successor(env);
  const who = uid === NOBODY ? "nobody" : "who called sudo";
  return {
    ...check,
    state: "ok",
    finding: `all given away once the sockets are open: root becomes ${who} (uid ${uid})`,
  };
}

async function routes(context: CommandContext): Promise<readonly Check[]> {
  try {
    using network = await context.openNetwork({});
    return routeChecks(network);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return [{ group: "network", name: "routes", state: "unknown", finding: error.message }];
  }
}

function groups(): readonly number[] {
  const own = process.getegid?.();
  return [...(own === undefined ? [] : [own]), ...(process.getgroups?.() ?? [])];
}

function interfaces(): readonly string[] {
  return Object.keys(networkInterfaces()).filter((name) => name !== "lo");
}

function libcCheck(): Check {
  const found = libcText();
  return { group: "program", name: "libc", state: found === "unknown" ? "unknown" : "ok", finding: found };
}
