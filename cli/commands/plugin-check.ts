import { UsageError } from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { checkPort, decimal, oneOf } from "../options.ts";
import { caseResult, totalsOf } from "../plugins/check/outcome.ts";
import { type RunResult, superviseCheck } from "../plugins/check/supervisor.ts";
import { createCheckJson, createCheckText } from "../render/check.ts";
import { createPaint } from "../render/style.ts";

export interface PluginCheckArguments {
  readonly file: string;
  readonly port?: string | undefined;
  readonly timeout?: string | undefined;
  readonly format?: string | undefined;
}

const DEFAULT_TIMEOUT_S = 10;

/** `nettrace plugin check FILE`: all that a plugin must do, asked of it on the simulated network. */
export async function runPluginCheck(context: CommandContext, typed: PluginCheckArguments): Promise<number> {
  const { self, stdout, env } = context;
  const port = typed.port === undefined ? undefined : checkPort("--port", typed.port);
  const timeoutMs = 1000 * (decimal("--timeout", typed.timeout, 0.1, 3600) ?? DEFAULT_TIMEOUT_S);
  const format = oneOf("--format", typed.format, ["text", "json"]) ?? "text";
  if (self === undefined) throw new UsageError("Cannot check a plugin: only the executable and Bun can");
  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  const report = format === "json" ? createCheckJson(stdout) : createCheckText(stdout, createPaint(stdout, env));
  /** Runs of the case that is under way. */
  let runs: RunResult[] = [];
  const cases: ReturnType<typeof caseResult>[] = [];
  const finishCase = (): void => {
    const [first] = runs;
    if (first === undefined) return;
    const result = caseResult(first.name, runs);
    runs = [];
    cases.push(result);
    report.ended(result);
  };
  try {
    const options = { self, file: typed.file, timeoutMs, signal: abort.signal, ...(port !== undefined && { port }) };
    await superviseCheck(options, {
      planned: (plan) => report.planned(plan),
      ended(result) {
        if (runs[0] !== undefined && runs[0].name !== result.name) finishCase();
        runs.push(result);
      },
    });
  } finally {
    stopListening();
  }
  if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  finishCase();
  report.finish();
  return totalsOf(cases).failed > 0 ? EXIT.notReached : EXIT.reached;
}
