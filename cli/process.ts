import { fstatSync, ftruncateSync, writeSync } from "node:fs";
import type { CommandContext, InterruptSignal, Output } from "./context.ts";
import { EXIT } from "./exit-codes.ts";

/** A stream of the process as an Output that survives a reader who goes away. */
export interface ProcessOutput extends Output {
  /** Resolves once all is written, with the errno of what could not be, except a reader's going away. */
  flush(): Promise<string | undefined>;
}

const STREAMS = { stdout: 1, stderr: 2 } as const;

/**
 * Files and pipes are written to at once, as Node does it, without the stream of the process: to set that up takes as
 * long as a short trace. A terminal, and a pipe that is full and does not block, get the stream.
 */
export function processOutput(name: keyof typeof STREAMS): ProcessOutput {
  const fd = STREAMS[name];
  const isDevice = isCharacterDevice(fd);
  let stream: NodeJS.WriteStream | undefined;
  let failure: string | undefined;
  let pending = Promise.resolve();
  let isGone = false;
  const note = (error: unknown): void => {
    const code = codeOf(error);
    isGone ||= code === "EPIPE";
    if (code !== undefined && code !== "EPIPE") failure ??= code;
  };
  const byStream = (bytes: Uint8Array): void => {
    const to = stream ?? process[name];
    // Without a listener a write error would end the process.
    if (stream === undefined) to.on("error", note);
    stream = to;
    const written = new Promise<void>((resolve) => {
      to.write(bytes, (error) => {
        note(error);
        resolve();
      });
    });
    pending = pending.then(() => written);
  };
  return {
    write(text) {
      let rest: Uint8Array = new TextEncoder().encode(text);
      try {
        while (!isDevice && stream === undefined && rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        if (codeOf(error) !== "EAGAIN") {
          note(error);
          return;
        }
      }
      if (rest.length > 0) byStream(rest);
    },
    get isTerminal() {
      return isDevice && process[name].isTTY === true;
    },
    get columns() {
      return isDevice ? process[name].columns : undefined;
    },
    get isGone() {
      return isGone;
    },
    async flush() {
      await pending;
      return failure;
    },
    file: () => fileOf(fd),
    cut: (size) => ftruncateSync(fd, size),
  };
}

/** Terminals are, and /dev/null; false where the descriptor is closed. */
function isCharacterDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}

function fileOf(fd: number): ReturnType<NonNullable<Output["file"]>> {
  try {
    const stats = fstatSync(fd);
    return stats.isFile() ? { id: `${stats.dev}:${stats.ino}`, size: stats.size } : undefined;
  } catch {
    // It is closed.
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/** The first SIGINT or SIGTERM asks to finish, the second one ends the process at once. */
export const onProcessInterrupt: CommandContext["onInterrupt"] = (handler) => {
  const signals: readonly InterruptSignal[] = ["SIGINT", "SIGTERM"];
  let isAsked = false;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      if (isAsked) process.exit(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated);
      isAsked = true;
      handler(signal);
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
};

/** SIGQUIT, which would else end the process with a core dump. */
export const onProcessStatus: NonNullable<CommandContext["onStatus"]> = (handler) => {
  process.on("SIGQUIT", handler);
  return () => process.off("SIGQUIT", handler);
};

/** Standard input, as octets. That it ends, or cannot be read, is no more than that nothing comes. */
export const onProcessInput: NonNullable<CommandContext["onInput"]> = (handler) => {
  const { stdin } = process;
  const read = (octets: Uint8Array): void => handler(Buffer.from(octets).toString("latin1"));
  stdin.on("error", () => stdin.pause());
  stdin.on("data", read);
  return () => {
    stdin.off("data", read);
    stdin.pause();
  };
};
