import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createLedger, type Ledger, type ScanProgress, type TargetSet, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";

const SCHEMA = "nettrace.scan-resume/1";

/** The state of a scan, in a file from which it goes on. */
export interface ResumeFile {
  readonly path: string;
  readonly seed: number;
  readonly ledger: Ledger;
  /** Rows that earlier runs wrote. */
  readonly earlier: number;
  /** Writes the state as it is now; whoever is interrupted meanwhile leaves the old one. Throws UsageError. */
  save(): void;
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
}

/**
 * The scan that a file tells of; where there is none, a new one. Throws UsageError where the file tells of another scan, or
 * of none.
 */
export function openResume(request: ResumeRequest): ResumeFile {
  const { path, targets, askedSeed } = request;
  const identity = digest(request);
  const text = readIfThere(path);
  if (text === undefined) return resumeFile(path, request.seed, identity, createLedger(targets.count));
  const state = parse(text);
  if (state === undefined) throw new UsageError(`Cannot resume from ${echo(path)}: it holds no state of a scan`);
  if (state.identity !== identity || state.count !== targets.count) {
    throw new UsageError(
      `Cannot resume from ${echo(path)}: it is of another list of targets, or of other options, than these`,
    );
  }
  if (askedSeed !== undefined && askedSeed !== state.seed) {
    throw new UsageError(`Cannot resume from ${echo(path)} with --seed ${askedSeed}: that scan has ${state.seed}`);
  }
  return resumeFile(path, state.seed, identity, ledgerOf(path, targets.count, state));
}

/** A new scan whose file is written only when it is interrupted. */
export function newResume(request: Omit<ResumeRequest, "askedSeed">): ResumeFile {
  return resumeFile(request.path, request.seed, digest(request), createLedger(request.targets.count), "wx");
}

function resumeFile(path: string, seed: number, identity: string, ledger: Ledger, flag: "w" | "wx" = "w"): ResumeFile {
  return {
    path,
    seed,
    ledger,
    earlier: ledger.finished,
    save() {
      const { next, done } = ledger.progress;
      const state = { schema: SCHEMA, seed, identity, count: ledger.count, next, done };
      try {
        if (flag === "wx") writeFileSync(path, `${JSON.stringify(state)}\n`, { flag, mode: 0o600 });
        else {
          writeFileSync(`${path}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
          renameSync(`${path}.new`, path);
        }
      } catch (error) {
        throw new UsageError(`Cannot write ${echo(path)}: ${codeOf(error)}`);
      }
    },
  };
}

function digest({ targets, identity }: Pick<ResumeRequest, "targets" | "identity">): string {
  return createHash("sha256").update(targets.identity).update("\n").update(identity).digest("hex");
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new UsageError(`Cannot read ${echo(path)}: ${codeOf(error)}`);
  }
}

interface State extends ScanProgress {
  readonly seed: number;
  readonly identity: string;
  readonly count: number;
}

function parse(text: string): State | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON, so no state either.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { schema, seed, identity, count, next, done } = value as Record<string, unknown>;
  const isSound =
    schema === SCHEMA &&
    isNumber(seed) &&
    typeof identity === "string" &&
    isNumber(count) &&
    isNumber(next) &&
    Array.isArray(done) &&
    done.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isNumber));
  return isSound ? ({ seed, identity, count, next, done } as State) : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function ledgerOf(path: string, count: number, state: State): Ledger {
  try {
    return createLedger(count, state);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`Cannot resume from ${echo(path)}: what it says of the scan cannot be`);
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
