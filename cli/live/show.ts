import type { CommandContext, InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { printable } from "../printable.ts";
import type { Key } from "./keys.ts";
import { paintLine } from "./line.ts";
import { createPacer } from "./pacer.ts";
import { openPatiently } from "./patient-output.ts";
import { endText, exitCodeOfTargets } from "./report.ts";
import { openScreen } from "./screen.ts";
import { createSession } from "./session.ts";
import type { LiveSettings } from "./settings.ts";
import { watchTerminal } from "./terminal.ts";
import { screenLines } from "./view/screen.ts";

type Ending =
  | { readonly by: "key" | "rounds" | "hang-up" }
  | { readonly by: "signal"; readonly signal: InterruptSignal };

const CLOCK_MS = 1000;

/**
 * Measures and shows until it is ended, prints the report, and returns the exit status. Standard output has to be a
 * terminal that can place its cursor.
 */
export async function showLive(context: CommandContext, settings: LiveSettings): Promise<number> {
  const started = context.now();
  const hasKeys = process.stdin.isTTY === true;
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>();
  const press = (key: Key): void => {
    const action = session.press(key);
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
  // The first frame takes a tenth of a second: before anything is measured it holds nobody up.
  screen.draw([` ${settings.targets.map(({ host }) => printable(host)).join(", ")} ...`]);
  const session = createSession(context, settings, {
    hasUnicode: isUtf8(context.env),
    hasColor: (context.env["NO_COLOR"] ?? "") === "",
    hasKeys,
    onChange: () => pacer.request(),
  });
  const pacer = createPacer({
    draw() {
      const state = session.state();
      return screen.draw(screenLines(state, screen.size).map((line) => paintLine(line, state.hasColor)));
    },
    cpuMs() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
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
  const clock = setInterval(() => pacer.request(), CLOCK_MS);
  const stopListening = context.onInterrupt((signal) => end({ by: "signal", signal }));
  let ending: Ending;
  try {
    pacer.request(true);
    const over = session.done.then((): Ending => ({ by: "rounds" }));
    ending = await Promise.race([ended, over, screen.closed.then((): Ending => ({ by: "hang-up" }))]);
  } finally {
    clearInterval(clock);
    pacer.stop();
    await screen.close();
    stopListening();
    terminal.end();
  }
  await session.stop();
  // Nobody could read it.
  if (ending.by === "hang-up") return EXIT.hungUp;
  context.stdout.write(endText(context, settings, session, started));
  if (ending.by !== "signal") return exitCodeOfTargets(session.targets);
  return ending.signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
}

/** Whether the locale's characters are UTF-8 (locale(7): LC_ALL, LC_CTYPE, LANG in this order). */
function isUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => env[name] ?? "").find((value) => value !== "") ?? "";
  return /utf-?8/i.test(locale);
}
