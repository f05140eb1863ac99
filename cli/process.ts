import type { CommandContext, InterruptSignal, Output } from "./context.ts";
import { EXIT } from "./exit-codes.ts";

/** A stream of the process as an Output that survives a reader who goes away. */
export interface ProcessOutput extends Output {
  /** Resolves once all is written, with the errno of what could not be, except a reader's going away. */
  flush(): Promise<string | undefined>;
}

export function processOutput(stream: NodeJS.WriteStream): ProcessOutput {
  let failure: string | undefined;
  let pending = Promise.resolve();
  const note = (error: Error | null | undefined): void => {
    const code = error && "code" in error ? String(error.code) : undefined;
    if (code !== undefined && code !== "EPIPE") failure ??= code;
  };
  // Without a listener a write error would end the process.
  stream.on("error", note);
  return {
    write(text) {
      const written = new Promise<void>((resolve) => {
        stream.write(text, (error) => {
          note(error);
          resolve();
        });
      });
      pending = pending.then(() => written);
    },
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    async flush() {
      await pending;
      return failure;
    },
  };
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
