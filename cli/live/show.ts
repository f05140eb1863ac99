import type { CommandContext, InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { printable } from "../printable.ts";
import { createCollector } from "./collector.ts";
import type { Key } from "./keys.ts";
import { paintLine } from "./line.ts";
import { createPacer } from "./pacer.ts";
import { openPatiently } from "./patient-output.ts";
import { openScreen } from "./screen.ts";
import { watchTerminal } from "./terminal.ts";
import { screenLines } from "./view/screen.ts";
import type { TerminalTraits, Viewing } from "./viewing.ts";

type Ending =
  | { readonly by: "key" | "rounds" | "hang-up" }
  | { readonly by: "signal"; readonly signal: InterruptSignal };

/** What is shown on the screen. */
interface Shown extends Pick<Viewing, "state" | "press"> {
  /** It is over by itself. Rejects with a fault only. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
  /** The report, where somebody can read it, and the exit status. Called when all has been given back. */
  finish(interrupted: InterruptSignal | undefined, isHungUp: boolean): number;
  /** Once a second. */
  readonly onClock?: () => void;
}

interface ShowOptions {
  /** Shown first: before anything is measured it holds nobody up. */
  readonly title: string;
  readonly open: (options: TerminalTraits & { readonly onChange: () => void }) => Shown;
}

const CLOCK_MS = 1000;

/**
 * Shows until it is ended, prints the report, and returns the exit status. Standard output has to be a terminal that can
 * place its cursor.
 */
export async function showOnScreen(context: CommandContext, { title, open }: ShowOptions): Promise<number> {
  const hasKeys = process.stdin.isTTY === true;
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>();
  const press = (key: Key): void => {
    const action = shown.press(key);
    if (action?.type === "quit") end(action.isInterrupt ? { by: "signal", signal: "SIGINT" } : { by: "key" });
    else if (action?.type === "suspend") suspend();
    else if (action?.type === "redraw") void screen.redraw();
    pacer.request(true);
  };
  const output = openPatiently(process.stdout) ?? process.stdout;
  output.on("error", () => end({ by: "hang-up" }));
  const screen = openScreen({
    stdin: process.stdin,
    stdout: output,
    hasKeys,
    onKey: press,
    onResize: () => pacer.request(true),
  });
  // The first frame takes a tenth of a second.
  screen.draw([` ${printable(title)} ...`]);
  const shown = open({
    hasUnicode: isUtf8(context.env),
    hasColor: (context.env["NO_COLOR"] ?? "") === "",
    hasKeys,
    onChange: () => pacer.request(),
  });
  const pacer = createPacer({
    draw() {
      const state = shown.state();
      return screen.draw(screenLines(state, screen.size).map((line) => paintLine(line, state.hasColor)));
    },
    // A frame waits for nothing: it takes the time that it costs, and to ask for that alone costs more.
    costMs: () => performance.now(),
    nowMs: () => performance.now(),
    later(call, ms) {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
  });
  const terminal = watchTerminal({
    onHangUp: () => end({ by: "hang-up" }),
    onSuspend: () => suspend(),
    onContinue: () => void screen.redraw(),
    onCrash: () => void screen.close(),
  });
  let isSuspended = false;
  const suspend = (): void => {
    if (isSuspended) return;
    isSuspended = true;
    void (async () => {
      const resume = await screen.suspend();
      await terminal.stop();
      await resume();
      isSuspended = false;
      pacer.request(true);
    })();
  };
  const collector = createCollector();
  const clock = setInterval(() => {
    shown.onClock?.();
    collector.tick();
    pacer.request();
  }, CLOCK_MS);
  const stopListening = context.onInterrupt((signal) => end({ by: "signal", signal }));
  let ending: Ending;
  try {
    pacer.request(true);
    const over = shown.done.then((): Ending => ({ by: "rounds" }));
    ending = await Promise.race([ended, over, screen.closed.then((): Ending => ({ by: "hang-up" }))]);
  } finally {
    clearInterval(clock);
    pacer.stop();
    await screen.close();
    stopListening();
    terminal.end();
  }
  await shown.stop();
  const code = shown.finish(ending.by === "signal" ? ending.signal : undefined, ending.by === "hang-up");
  if (ending.by === "hang-up") return EXIT.hungUp;
  if (ending.by !== "signal") return code;
  return ending.signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
}

/** Whether the locale's characters are UTF-8 (locale(7): LC_ALL, LC_CTYPE, LANG in this order). */
function isUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => env[name] ?? "").find((value) => value !== "") ?? "";
  return /utf-?8/i.test(locale);
}
