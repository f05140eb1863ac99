/** What happens to a terminal from outside of the screen that is drawn on it. */
export interface TerminalEvents {
  /** It has gone: SIGHUP, or nothing can be read or written any more. */
  readonly onHangUp: () => void;
  /** SIGTSTP from outside: somebody wants this process to stop. */
  readonly onSuspend: () => void;
  /** SIGCONT after a stop that nobody announced. */
  readonly onContinue: () => void;
  /** Something failed that nothing catches, and its message is about to be written. */
  readonly onCrash: () => void;
}

export interface TerminalWatch {
  /** Stops this process, and those that were started with it, as Ctrl-Z does; resolves once it goes on. */
  stop(): Promise<void>;
  end(): void;
}

/** A stop takes effect by then, or never: nobody could wake an orphaned process group, so the kernel does not stop it. */
const STOP_MS = 50;
/** The calling process's own group (kill(2)). */
const OWN_GROUP = 0;

export function watchTerminal(events: TerminalEvents): TerminalWatch {
  let isStopping = false;
  const suspended = (): void => events.onSuspend();
  const continued = (): void => {
    if (!isStopping) events.onContinue();
  };
  const hungUp = (): void => events.onHangUp();
  const crashed = (): void => events.onCrash();
  const { stdin, stdout } = process;
  process.on("SIGTSTP", suspended);
  process.on("SIGCONT", continued);
  process.on("SIGHUP", hungUp);
  // Before those that write what happened.
  process.prependListener("uncaughtException", crashed);
  process.prependListener("unhandledRejection", crashed);
  for (const stream of [stdin, stdout]) stream.on("error", hungUp);
  stdin.on("end", hungUp);
  return {
    async stop() {
      isStopping = true;
      process.off("SIGTSTP", suspended);
      process.kill(OWN_GROUP, "SIGTSTP");
      await new Promise((resolve) => setTimeout(resolve, STOP_MS));
      process.on("SIGTSTP", suspended);
      isStopping = false;
    },
    end() {
      process.off("SIGTSTP", suspended);
      process.off("SIGCONT", continued);
      process.off("SIGHUP", hungUp);
      process.off("uncaughtException", crashed);
      process.off("unhandledRejection", crashed);
      // What fails while the terminal goes away is still nobody's crash.
      stdin.off("end", hungUp);
    },
  };
}
