import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Writable } from "node:stream";

/**
 * The terminal on standard output as a stream that never waits for it. The runtime's own stream does: a terminal that takes
 * nothing, behind a stalled connection, would hold up the measuring. Undefined where the terminal cannot be opened again.
 */
export function openPatiently(
  terminal: NodeJS.WriteStream,
  // Opened anew, since what is set on the descriptor itself is shared with the shell.
  path = "/proc/self/fd/1",
): NodeJS.WriteStream | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // No such file outside of Linux; and after `su` the terminal is another user's.
    return undefined;
  }
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(fd, chunk, done);
    },
    destroy(error, done) {
      closeSync(fd);
      done(error);
    },
  });
  terminal.on("resize", () => stream.emit("resize"));
  const properties = {
    isTTY: { value: true },
    columns: { get: () => terminal.columns },
    rows: { get: () => terminal.rows },
  };
  return Object.defineProperties(stream, properties) as unknown as NodeJS.WriteStream;
}

const RETRY_MS = 20;

function writeAll(fd: number, bytes: Uint8Array, done: (error?: Error) => void): void {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") {
      setTimeout(() => writeAll(fd, rest, done), RETRY_MS);
    } else done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done();
}
