import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { type Names, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";
import type { Reporter } from "../render/text.ts";
import type { RunHead } from "../result.ts";
import { createRecorder } from "./recorder.ts";

/** Lines are written in pieces of about this size, and at the end: a system call for each would slow the trace down. */
const PIECE = 16 * 1024;
/** Readable by its owner alone: it tells where this host stands. */
const MODE = 0o600;

/** A file that takes whole lines. */
export interface RecordingFile {
  write(line: string): void;
  /** Writes what is still kept back. */
  flush(): void;
  close(): void;
}

/**
 * A file for a recording, in the place of what was there; `opened`: its descriptor, where it was opened before root's rights
 * were given away. Throws UsageError where it cannot be opened or, from `write` and `flush`, where a disk fills up.
 */
export function openRecordingFile(path: string, opened?: number): RecordingFile {
  const fd = opened ?? open(path);
  // A device or a pipe has nothing to take away.
  if (opened !== undefined && fstatSync(opened).isFile()) ftruncateSync(opened);
  let pending = "";
  const flush = (): void => {
    let rest: Uint8Array = new TextEncoder().encode(pending);
    pending = "";
    while (rest.length > 0) rest = rest.subarray(write(path, fd, rest));
  };
  return {
    write(line) {
      pending += line;
      if (pending.length >= PIECE) flush();
    },
    flush,
    close: () => closeSync(fd),
  };
}

/** A recorder that writes to such a file. */
export function openRecording(
  path: string,
  run: { readonly head: RunHead; readonly names: Names },
  opened?: number,
): Reporter {
  const file = openRecordingFile(path, opened);
  const recorder = createRecorder({ ...run, write: file.write });
  return {
    ...recorder,
    finish(end) {
      recorder.finish(end);
      file.flush();
      file.close();
    },
  };
}

function open(path: string): number {
  try {
    return openSync(path, "w", MODE);
  } catch (error) {
    throw new UsageError(`Cannot record to ${echo(path)}: ${codeOf(error)}`);
  }
}

function write(path: string, fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    throw new UsageError(`Cannot record to ${echo(path)}: ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
