import { createNames, type Names, noNames, parseAddress, SocketError, UsageError } from "../../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import { VERSION_LINE } from "../../help.ts";
import { printable } from "../../printable.ts";
import { originSource } from "../asn-source.ts";
import { lookUpHost } from "../lookup.ts";
import type { Personality } from "../mod.ts";
import { refusalHint } from "../refusal-hint.ts";
import { strerror } from "../strerror.ts";
import { createInfos } from "./address-info.ts";
import { MTR_VERSION } from "./documents.ts";
import { MTR_HELP } from "./help.ts";
import { type HostRun, measure, protocolWords } from "./measure.ts";
import { MtrComplaint, type MtrSettings, readSettings } from "./settings.ts";
import { endText } from "./show.ts";
import { startLine } from "./text.ts";
import { INFO_COLUMNS } from "./view.ts";

/** EXIT_FAILURE, for whatever stops mtr. */
const FAILURE = 1;

/** mtr(8), as Debian's 0.95 has it. */
export const mtr: Personality = async (argv, context, { family }) => {
  const complain = (message: string): number => {
    context.stderr.write(`mtr: ${printable(message)}\n`);
    return FAILURE;
  };
  try {
    const settings = readSettings(argv, context.env["MTR_OPTIONS"], family);
    if (settings.help) context.stdout.write(MTR_HELP);
    else if (settings.version) context.stdout.write(`mtr ${MTR_VERSION} (${VERSION_LINE})\n`);
    if (settings.help || settings.version) return EXIT.reached;
    if (settings.mode === "live") {
      const { runLiveMtr } = await import("./live.ts");
      return await runLiveMtr(context, settings);
    }
    return await runHosts(settings, context, complain);
  } catch (error) {
    if (error instanceof MtrComplaint || error instanceof UsageError) return complain(error.message);
    throw error;
  }
};

async function runHosts(
  settings: MtrSettings,
  context: CommandContext,
  complain: (message: string) => number,
): Promise<number> {
  for (const [option, value] of [
    ["-P", settings.port],
    ["-L", settings.localPort],
  ] as const) {
    if (value !== undefined && settings.protocol === "icmp") {
      context.stderr.write(`nettrace: mtr's ${option} has no effect without -u or -T\n`);
    }
  }
  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  try {
    const hosts = settings.hosts.length === 0 ? ["localhost"] : settings.hosts;
    for (const host of hosts) {
      const failure = await runHost(settings, host, context, complain, abort.signal);
      if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
      if (failure !== undefined) return failure;
    }
    return EXIT.reached;
  } finally {
    stopListening();
  }
}

/** Measures and shows one host. Returns the exit status where mtr would end at once. */
async function runHost(
  settings: MtrSettings,
  host: string,
  context: CommandContext,
  complain: (message: string) => number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const found = await lookUpHost(context, host, [settings.family ?? 0]);
  if (found.address === undefined) {
    complain(`Failed to resolve host: ${host}: ${found.error}`);
    // In a report of several hosts the others follow, and the exit status tells nothing.
    return settings.mode === "split" ? FAILURE : undefined;
  }
  const target = found.address;
  using network = await context.openNetwork(networkOptions(settings));
  try {
    network.route(target);
  } catch (error) {
    const ending = routeFailure(error, settings);
    if (ending !== undefined) {
      complain(ending);
      if (error instanceof SocketError && !isOwnMistake(error, settings)) hint(context, error, settings, host);
      return FAILURE;
    }
  }
  const names: Names = settings.dns ? createNames({ ...(context.reverse && { reverse: context.reverse }) }) : noNames;
  const column = settings.info === undefined ? undefined : INFO_COLUMNS[settings.info];
  const infos = createInfos(column && (await originSource(context, settings.asnDb, column.field)));
  let isStarted = false;
  const start = (): void => {
    if (settings.mode === "report" && !isStarted) context.stdout.write(startLine(context.now()));
    isStarted = true;
  };
  const run: HostRun = { settings, host, target, context, network, names, infos, signal, onStart: start };
  const watched = await measure(run);
  await Promise.race([Promise.all([names.allSettled(), infos.allSettled()]), aborted(signal)]);
  const refused = watched.error;
  if (refused instanceof SocketError && watched.isUnopened && refused.stage === "socket") {
    complain("Failure to start mtr-packet: Invalid argument");
    hint(context, refused, settings, host);
    return FAILURE;
  }
  start();
  context.stdout.write(endText(run, watched.table));
  if (refused === undefined) return undefined;
  if (!(refused instanceof SocketError)) return complain(refused.message);
  // A route that says "unreachable" is an empty table to mtr, and no failure.
  const isSilentRefusal = refused.errno === "EHOSTUNREACH";
  if (!isSilentRefusal)
    complain(
      refused.errno === null || /^E(PERM|ACCES)$/.test(refused.errno) ? "Permission denied" : strerror(refused.errno),
    );
  hint(context, refused, settings, host);
  return isSilentRefusal ? undefined : FAILURE;
}

function networkOptions({
  interface: name,
  address,
  mark,
  tos,
}: MtrSettings): Parameters<CommandContext["openNetwork"]>[0] {
  const source = address === undefined ? undefined : parseAddress(address);
  if (address !== undefined && source === undefined) throw new MtrComplaint("invalid local address");
  return {
    ...(source !== undefined && { source }),
    ...(name !== undefined && { interface: name }),
    ...(mark !== undefined && { mark }),
    ...(tos !== 0 && { trafficClass: tos }),
  };
}

/** A refusal that `-I` or `-a` brought about is the user's to mend, not the host's. */
function isOwnMistake({ errno }: SocketError, { interface: name, address }: MtrSettings): boolean {
  return (name !== undefined && errno === "ENODEV") || (address !== undefined && errno === "EADDRNOTAVAIL");
}

/** What mtr says where it finds no way to the target; undefined: it goes on. Rethrows what is no such refusal. */
function routeFailure(error: unknown, settings: MtrSettings): string | undefined {
  if (!(error instanceof SocketError)) throw error;
  if (settings.interface !== undefined && error.errno === "ENODEV") return "no such interface";
  if (settings.address !== undefined && error.errno === "EADDRNOTAVAIL")
    return `cannot send from ${settings.address}: ${strerror(error.errno)}`;
  if (settings.mark !== undefined && error.errno === "EPERM")
    return "failed to set the packet mark: Operation not permitted";
  return error.errno === "EHOSTUNREACH" ? undefined : `udp socket connect failed: ${strerror(error.errno)}`;
}

function hint(context: CommandContext, error: SocketError, settings: MtrSettings, host: string): void {
  context.stderr.write(`${refusalHint(error, protocolWords(settings), host)}\n`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
