import { readFileSync } from "node:fs";
import {
  causeOfError,
  DEFAULT_SCAN_OPTIONS,
  type Network,
  parseTargets,
  type Route,
  type ScanCounts,
  type ScanEnd,
  type ScanRow,
  SocketError,
  scan,
  UsageError,
} from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { echo } from "../host.ts";
import type { ValuesByPlugin } from "../plugins/options.ts";
import { printable } from "../printable.ts";
import { atlasRow, type OtherFormHead, scamperRow } from "../scan/formats.ts";
import { checkScanOptions, type ScanFormat, type TypedScanOptions } from "../scan/options.ts";
import { createProgress } from "../scan/progress.ts";
import { codeOf, newResume, openResume, type ResumeFile } from "../scan/resume.ts";
import { CSV_HEADER, csvRow, jsonRow } from "../scan/rows.ts";

export interface ScanArguments {
  readonly options: TypedScanOptions;
  readonly pluginValues: ValuesByPlugin;
}

const ROWS_AT_ONCE = 50;
const SEEDS = 1_000_000_000;

const ROW: Readonly<Record<ScanFormat, (row: ScanRow, head: OtherFormHead) => string>> = {
  jsonl: jsonRow,
  csv: csvRow,
  atlas: atlasRow,
  "scamper-json": scamperRow,
};

/**
 * `nettrace scan -f FILE`: a row for each target. Exit 0 all have theirs; 3 this host would not send; 74 rows could not be
 * written; 130 or 143 interrupted, with a file to resume from.
 */
export async function runScan(context: CommandContext, { options, pluginValues }: ScanArguments): Promise<number> {
  const settings = checkScanOptions(options, await context.protocols(), pluginValues);
  const { rung, format, identity } = settings;
  const blocklist = options.blocklist === undefined ? "" : read(context, options.blocklist);
  const targets = parseTargets(read(context, options.file), blocklist);
  const seed = settings.seed ?? Math.floor(Math.random() * SEEDS);
  const base = { targets, identity, seed, stdout: context.stdout };
  const { resume: path } = options;
  const resume =
    path === undefined
      ? newResume({ ...base, path: `nettrace-scan-${seed}.resume` })
      : openResume({ ...base, path, askedSeed: settings.seed, opened: openedState(context, path) });

  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  try {
    using network = await context.openNetwork({
      ...settings.network,
      onLimits: (limits) => context.stderr.write(`nettrace: ${printable(limits)}\n`),
    });
    const writer = createWriter(context, resume, network, {
      format,
      head: headOf(context, network, settings),
      stop: () => abort.abort(),
    });
    const end = await scan(network, {
      plugin: rung.plugin,
      port: rung.port,
      targets,
      seed: resume.seed,
      ledger: resume.ledger,
      stopSet: resume.stopSet,
      options: settings.scan,
      probe: settings.probe,
      signal: abort.signal,
      onRow: (row) => writer.row(row),
      onTurn: (counts, isIdle) => writer.turn(counts, isIdle),
    });
    await writer.turn(end.counts, true);
    writer.end();
    return conclude(context, resume, path !== undefined, { end, interrupted, failure: writer.failure });
  } finally {
    stopListening();
  }
}

function headOf(
  context: CommandContext,
  network: Network,
  { rung, scan: { tries, maxHop, waitMs } }: ReturnType<typeof checkScanOptions>,
): OtherFormHead {
  const startedMs = network.nowMs();
  const started = context.now().getTime();
  let shown = { ms: Number.NaN, text: "" };
  const isoTimeOf = (atMs: number): string => {
    const ms = Math.trunc(started + (atMs - startedMs));
    // Paths begin by the batch.
    if (ms !== shown.ms) shown = { ms, text: new Date(ms).toISOString() };
    return shown.text;
  };
  const routeOf = ({ target }: ScanRow): Route | undefined => {
    try {
      return network.route(target);
    } catch (error) {
      if (error instanceof SocketError) return undefined;
      throw error;
    }
  };
  return {
    protocol: rung.plugin.name,
    port: rung.plugin.defaultPort === undefined ? null : rung.port,
    timeOf: (atMs) => new Date(started + (atMs - startedMs)),
    isoTimeOf,
    tries: tries ?? DEFAULT_SCAN_OPTIONS.tries,
    maxHop: maxHop ?? DEFAULT_SCAN_OPTIONS.maxHop,
    waitMs: waitMs ?? DEFAULT_SCAN_OPTIONS.waitMs,
    routeOf,
  };
}

interface Writer {
  row(row: ScanRow): void;
  /** Undefined: all is written, and the scan may go on. */
  turn(counts: ScanCounts, isIdle: boolean): Promise<void> | undefined;
  end(): void;
  /** Why rows could not be written: those are not counted as done. */
  readonly failure: string | undefined;
}

/** Rows are done once they are written, never before: what the state says is there, is there. */
function createWriter(
  context: CommandContext,
  resume: ResumeFile,
  network: Network,
  { format, head, stop }: { readonly format: ScanFormat; readonly head: OtherFormHead; readonly stop: () => void },
): Writer {
  const { stdout } = context;
  const { ledger } = resume;
  const progress = createProgress(context, ledger.count, resume.earlier);
  let pending = format === "csv" && ledger.finished === 0 ? CSV_HEADER : "";
  let positions: number[] = [];
  let failure: string | undefined;

  const fail = (why: string): void => {
    failure ??= why;
    stop();
  };

  const note = (what: () => void): void => {
    try {
      what();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      fail(error.message);
    }
  };

  const settle = (isWritten: boolean): void => {
    if (!isWritten || stdout.isGone === true) fail("Cannot write the rows");
    else note(resume.settle);
  };

  const write = (): Promise<void> | undefined => {
    if (pending === "" || failure !== undefined) return undefined;
    note(() => resume.intend(positions, pending));
    if (failure !== undefined) return undefined;
    if (stdout.isTerminal) progress.clear();
    stdout.write(pending);
    pending = "";
    positions = [];
    const flushed = stdout.flush?.();
    if (flushed !== undefined) return flushed.then((code) => settle(code === undefined));
    settle(true);
    return undefined;
  };

  return {
    row(row) {
      pending += ROW[format](row, head);
      positions.push(row.position);
    },
    turn(counts, isIdle) {
      // In a hurry rows wait for company: a write for each costs more than the row.
      const written = isIdle || positions.length >= ROWS_AT_ONCE ? write() : undefined;
      progress.update(network.nowMs(), ledger.finished, counts);
      return written;
    },
    end: () => progress.clear(),
    get failure() {
      return failure;
    },
  };
}

interface Ending {
  readonly end: ScanEnd;
  readonly interrupted: InterruptSignal | undefined;
  readonly failure: string | undefined;
}

function conclude(
  { stderr }: CommandContext,
  resume: ResumeFile,
  isAsked: boolean,
  { end, interrupted, failure }: Ending,
): number {
  const { finished, count } = resume.ledger;
  if (end.type === "complete" && failure === undefined) return EXIT.reached;
  const isSaved = isAsked || finished > 0;
  if (isSaved) resume.keep();
  const onward = `${finished} of ${count} targets have their rows${isSaved ? `; go on with --resume ${echo(resume.path)}` : ""}`;
  const tell = (what: string): void => stderr.write(`nettrace: ${printable(what)}: ${onward}\n`);
  if (failure !== undefined) {
    tell(failure);
    return EXIT.output;
  }
  if (end.type === "refused") {
    tell(`${end.error.message} (${causeOfError(end.error)})`);
    return EXIT.refusedHere;
  }
  if (end.type === "faulty") {
    // No fault of this program, and no sign of the network either.
    tell(end.error.message);
    return EXIT.notReached;
  }
  tell("stopped");
  return interrupted === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}

/** `-` is standard input. Throws UsageError. */
function read({ opened }: CommandContext, file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : (opened?.(file) ?? file), "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read ${file === "-" ? "standard input" : echo(file)}: ${codeOf(error)}`);
  }
}

/** Throws UsageError. */
function openedState({ opened }: CommandContext, path: string): number | undefined {
  try {
    return opened?.(path);
  } catch (error) {
    throw new UsageError(`Cannot read and write ${echo(path)}: ${codeOf(error)}`);
  }
}
