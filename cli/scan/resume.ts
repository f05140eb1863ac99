import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLedger, createStopSet, type Ledger, type StopSet, type TargetSet, UsageError } from "../../core/mod.ts";
import type { Output } from "../context.ts";
import { echo } from "../host.ts";
import { type Intent, intentText, parseIntent, parseState, type State, stateText } from "./resume-text.ts";
import { openStateFile, type StateFile } from "./state-file.ts";

/** The state of a scan, in a file from which it goes on. */
export interface ResumeFile {
  /** Where it is, or will be once there is a reason for it. */
  readonly path: string;
  readonly seed: number;
  readonly ledger: Ledger;
  readonly stopSet: StopSet;
  /** Rows that earlier runs wrote. */
  readonly earlier: number;
  /**
   * The rows of these positions are about to be written, as this text. Throws UsageError where that cannot be noted: then they
   * must not be.
   */
  intend(positions: readonly number[], text: string): void;
  /** They are written. Throws UsageError. */
  settle(): void;
  /** The scan is not at its end: a state that was kept in memory only is written. Throws UsageError. */
  keep(): void;
}

export interface ResumeRequest {
  readonly path: string;
  readonly targets: TargetSet;
  /** Of all else that shapes the rows. */
  readonly identity: string;
  /** Of a new scan. */
  readonly seed: number;
  /** As typed: a scan that goes on has the one it began with. */
  readonly askedSeed: number | undefined;
  /** Where rows go. */
  readonly stdout: Output;
  /** The file's descriptor, where it was opened before root's rights were given away. */
  readonly opened: number | undefined;
}

/** Readable by its owner alone. */
const MODE = 0o600;
/** Records are made one state when they have grown to so much, and to as much as the state. */
const MOST_RECORDED = 256 * 1024;

/**
 * The scan that a file tells of; where there is none, or an empty one, a new scan. Throws UsageError where the file tells of
 * another scan, or of none.
 */
export function openResume(request: ResumeRequest): ResumeFile {
  const { path, targets, askedSeed, stdout } = request;
  const identity = digest(request);
  const file = openState(path, request.opened);
  const { state: text, records } = file.stored;
  if (text === undefined) return keptIn(file, path, fresh(request, identity), stdout);
  const state = parseState(text);
  const intents = records.map((record) => ({ isDone: record.isMarked, intent: parseIntent(record.text) }));
  if (state === undefined || intents.some(({ intent }) => intent === undefined)) throw noState(path);
  if (state.identity !== identity || state.count !== targets.count) {
    throw new UsageError(
      `Cannot resume from ${echo(path)}: it is of another list of targets, or of other options, than these`,
    );
  }
  if (askedSeed !== undefined && askedSeed !== state.seed) {
    throw new UsageError(`Cannot resume from ${echo(path)} with --seed ${askedSeed}: that scan has ${state.seed}`);
  }
  const scan = restored(path, state);
  for (const [at, { isDone, intent }] of intents.entries()) {
    if (intent === undefined) continue;
    // Behind one that was not written none was begun.
    if (isDone || at < intents.length - 1 || isWritten(intent, stdout)) finish(scan, intent);
  }
  return keptIn(file, path, scan, stdout);
}

/** A new scan whose file is written only when it is interrupted. */
export function newResume(request: Omit<ResumeRequest, "askedSeed" | "opened">): ResumeFile {
  const { stdout } = request;
  const scan = fresh(request, digest(request));
  const { stopSet } = scan;
  let intent: Intent | undefined;
  /** So much of the stop set is told by rows that are written. */
  let told = 0;
  let { path } = request;
  return {
    ...scan,
    get path() {
      return path;
    },
    earlier: 0,
    intend(positions, text) {
      intent = { positions, stops: stopSet.since(told), file: placeOf(stdout, text) };
    },
    settle() {
      if (intent === undefined) return;
      finish(scan, intent);
      told += intent.stops.length;
      intent = undefined;
    },
    keep() {
      const made = createState(path);
      path = made.path;
      try {
        made.file.save(textOf(scan, told));
        if (intent !== undefined) made.file.append(intentText(intent));
      } catch (error) {
        throw unwritable(path, error);
      }
    },
  };
}

interface Scan {
  readonly seed: number;
  readonly identity: string;
  readonly ledger: Ledger;
  readonly stopSet: StopSet;
}

function keptIn(file: StateFile, path: string, scan: Scan, stdout: Output): ResumeFile {
  const { ledger, stopSet } = scan;
  /** The stop set is told as far as rows tell it that are written, or about to be. */
  let told = stopSet.size;
  let state = 0;
  let mark: (() => void) | undefined;
  let positions: readonly number[] = [];
  const save = (): void => {
    const text = textOf(scan, told);
    state = text.length;
    file.save(text);
  };
  const tryTo = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      throw unwritable(path, error);
    }
  };
  tryTo(save);
  let most = Math.max(MOST_RECORDED, state);
  return {
    path,
    ...scan,
    earlier: ledger.finished,
    intend(rows, text) {
      const stops = stopSet.since(told);
      positions = rows;
      tryTo(() => {
        mark = file.append(intentText({ positions, stops, file: placeOf(stdout, text) }));
      });
      told = stopSet.size;
    },
    settle() {
      for (const position of positions) ledger.finish(position);
      positions = [];
      if (mark !== undefined) tryTo(mark);
      mark = undefined;
      if (file.recorded < most) return;
      try {
        save();
        most = Math.max(MOST_RECORDED, state);
      } catch {
        // Without room for another state, the one that is there and its records hold as well.
        most = 2 * file.recorded;
      }
    },
    keep: () => undefined,
  };
}

function fresh({ seed, targets }: Pick<ResumeRequest, "seed" | "targets">, identity: string): Scan {
  return { seed, identity, ledger: createLedger(targets.count), stopSet: createStopSet() };
}

function restored(path: string, state: State): Scan {
  const { seed, identity, count, stops } = state;
  try {
    return { seed, identity, ledger: createLedger(count, state), stopSet: createStopSet(stops) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`Cannot resume from ${echo(path)}: what it says of the scan cannot be`);
  }
}

function finish({ ledger, stopSet }: Scan, { positions, stops }: Intent): void {
  for (const position of positions) if (position < ledger.count) ledger.finish(position);
  for (const { hop, address } of stops) stopSet.add(address, hop);
}

/**
 * Whether rows are there that were about to be written when the scan was ended: a file is so long, or is not. Where it has a
 * part of them, that part is taken off. What became of those that went elsewhere nobody knows: they come again.
 */
function isWritten({ file: was }: Intent, { file, cut }: Output): boolean {
  const is = file?.();
  if (was === undefined || is === undefined || is.id !== was.id) return false;
  if (is.size >= was.size + was.octets) return true;
  if (is.size > was.size) cut?.(was.size);
  return false;
}

function placeOf({ file }: Output, text: string): Intent["file"] {
  const is = file?.();
  return is && { ...is, octets: Buffer.byteLength(text) };
}

function textOf({ seed, identity, ledger, stopSet }: Scan, stops: number): string {
  const known = stopSet.since(0).slice(0, stops);
  return stateText({ seed, identity, count: ledger.count, ...ledger.progress, stops: known });
}

function digest({ targets, identity }: Pick<ResumeRequest, "targets" | "identity">): string {
  return createHash("sha256").update(targets.identity).update("\n").update(identity).digest("hex");
}

function openState(path: string, opened: number | undefined): StateFile {
  const fd = opened ?? openThereOrNew(path);
  if (!fstatSync(fd).isFile()) throw new UsageError(`Cannot resume from ${echo(path)}: it is no ordinary file`);
  const file = openStateFile(fd);
  if (file !== undefined) return file;
  closeSync(fd);
  throw noState(path);
}

function openThereOrNew(path: string): number {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw new UsageError(`Cannot read and write ${echo(path)}: ${codeOf(error)}`);
  }
  try {
    return openSync(path, "wx+", MODE);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** A new file; where this user may not write, among those that are kept for a while. */
function createState(path: string): { readonly path: string; readonly file: StateFile } {
  const places = [path, join(tmpdir(), path)];
  let failure: unknown;
  for (const place of places) {
    try {
      const file = openStateFile(openSync(place, "wx+", MODE));
      if (file !== undefined) return { path: place, file };
    } catch (error) {
      failure ??= error;
      if (!["EACCES", "EPERM", "EROFS"].includes(codeOf(error))) break;
    }
  }
  throw unwritable(path, failure);
}

function noState(path: string): UsageError {
  return new UsageError(`Cannot resume from ${echo(path)}: it holds no state of a scan`);
}

function unwritable(path: string, error: unknown): UsageError {
  return new UsageError(`Cannot write ${echo(path)}: ${codeOf(error)}`);
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
