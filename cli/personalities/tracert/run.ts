import {
  createNames,
  createSweep,
  type Family,
  type IpAddress,
  type Network,
  type ProbeOptions,
  parseAddress,
  type Rung,
  SocketError,
  type SweepTurn,
} from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { buildLadder } from "../../ladder.ts";
import { fallbackNotice, findWorkingRung, isFallbackWanted } from "../fallback.ts";
import { lookUpHost } from "../lookup.ts";
import { refusalHint } from "../refusal-hint.ts";
import { runSweep, type SweepFailure } from "../run-sweep.ts";
import { createTurnWriter } from "../turn-writer.ts";
import { createTracertText, QUERIES, tracertHeader } from "./hop-text.ts";
import { TracertExit, type TracertOptions } from "./options.ts";

/** 64 octets of data, as Windows sends. */
const PACKET_SIZE = { 4: 92, 6: 112 } as const;

export async function runTracert(options: TracertOptions, context: CommandContext): Promise<number> {
  const families: readonly (Family | 0)[] = [options.family ?? 0];
  const { address } = await lookUpHost(context, options.host, families);
  if (address === undefined) {
    throw new TracertExit(`Unable to resolve target system name ${options.host}.\n`);
  }
  const source = options.source === undefined ? undefined : parseAddress(options.source);
  if (options.source !== undefined && source?.family !== address.family) {
    throw new TracertExit("Bad value for option -S.\n");
  }
  using network = await context.openNetwork(source === undefined ? {} : { source });
  return await trace(options, context, network, address);
}

async function trace(
  options: TracertOptions,
  context: CommandContext,
  network: Network,
  target: IpAddress,
): Promise<number> {
  const writer = createTurnWriter(context, createTracertText(), { numeric: options.numeric });
  const { plugins, order } = await context.protocols();
  context.stdout.write(await headerText(options, context, target));
  let turns = 0;
  let isOver = false;
  const onTurn = (turn: SweepTurn): void => {
    turns += 1;
    // One refusal is enough for Windows: what else was asked at that hop is not told.
    if (!isOver) writer.write(turn);
    isOver ||= turn.reply?.effect === "unreachable";
  };
  const run = ({ plugin, port }: Rung, probe: ProbeOptions): Promise<SweepFailure | undefined> =>
    runSweep(network, {
      plugin,
      target: { address: target, port },
      probe,
      sweep: createSweep({ ...sweepOptions(options), onTurn }),
      onAnswer: writer.met,
      ...(plugin.name === "icmp" && { firstSequence: 1 }),
    });

  const icmp = plugins.find(({ name }) => name === "icmp");
  if (icmp === undefined) throw new Error("Cannot trace: there is no plugin icmp");
  let failure = await run({ plugin: icmp, port: 0 }, { packetSize: PACKET_SIZE[target.family] });
  if (failure instanceof SocketError && turns === 0 && isFallbackWanted(options.fallback, context.env)) {
    const found = await findWorkingRung(network, { target, ladder: buildLadder({ plugins, order }, {}) });
    context.stderr.write(`${fallbackNotice("ICMP", found)}\n`);
    if (found.rung !== undefined) failure = await run(found.rung, {});
  }
  await writer.written();
  if (failure === undefined) {
    context.stdout.write("\nTrace complete.\n");
    return 0;
  }
  if (!(failure instanceof SocketError)) throw failure;
  context.stdout.write(failureText(failure, turns));
  context.stderr.write(`${refusalHint(failure, "ICMP", options.host)}\n`);
  return 1;
}

function failureText({ stage }: SocketError, turns: number): string {
  if (stage === "socket") return "Unable to contact IP driver. General failure.\n";
  const number = String(Math.floor(turns / QUERIES) + 1).padStart(3);
  return `${turns % QUERIES === 0 ? `${number}  ` : ""}General failure.\n\nTrace complete.\n`;
}

/** Windows asks for the name of an address too. */
async function headerText(options: TracertOptions, context: CommandContext, target: IpAddress): Promise<string> {
  const isLiteral = parseAddress(options.host) !== undefined;
  const name = isLiteral ? await nameOf(target, options, context) : options.host;
  return tracertHeader(name, target, options.maxHop);
}

async function nameOf(
  address: IpAddress,
  { numeric }: TracertOptions,
  { reverse }: CommandContext,
): Promise<string | undefined> {
  if (numeric) return undefined;
  const names = createNames(reverse === undefined ? {} : { reverse });
  names.want(address);
  await names.allSettled();
  return names.of(address);
}

function sweepOptions({ maxHop, timeoutMs }: TracertOptions) {
  return {
    firstHop: 1,
    maxHop,
    queries: QUERIES,
    simultaneous: 1,
    sendWaitMs: 0,
    wait: { maxMs: timeoutMs, here: 0, near: 0 },
    flow: "constant",
  } as const;
}
