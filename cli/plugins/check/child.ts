import { writeSync } from "node:fs";
import { type ProtocolPlugin, UsageError } from "../../../core/mod.ts";
import { type ConformanceService, conformance, reasonOf } from "../../../core/testing.ts";
import type { CommandContext } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import { type LoadedPlugin, loadPlugins } from "../load.ts";
import { type CheckMessage, type CheckRequest, MESSAGES_FD } from "./messages.ts";

/**
 * The process in which `nettrace plugin check` runs a plugin: it may be ended at any moment, since nothing else can end
 * an endless loop. Tells what it does through a descriptor of its own.
 */
export async function runCases(context: CommandContext, text: string): Promise<number> {
  const request = JSON.parse(text) as CheckRequest;
  catchEscaped();
  const quiet = { ...context, stderr: { ...context.stderr, write: () => {} } };
  let loaded: LoadedPlugin | undefined;
  try {
    [loaded] = await loadPlugins({ given: [request.file], protocols: [] }, request.quiet ? quiet : context);
    if (loaded === undefined) throw new UsageError(`Cannot load the plugin ${request.file}: nothing was loaded`);
    await runAll(loaded, request);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    tell({ type: "refused", message: error.message });
    return EXIT.usage;
  }
  return EXIT.reached;
}

async function runAll({ plugin, file, exports }: LoadedPlugin, { port, survey, todo }: CheckRequest): Promise<void> {
  const { service } = exports;
  if (service !== undefined && typeof service !== "function") {
    throw new UsageError(`Cannot check the plugin ${file}: its export service is no function`);
  }
  tell({ type: "loaded" });
  const runs = conformance(watched(plugin), {
    survey,
    ...(port !== undefined && { port }),
    ...(service !== undefined && { service: service as ConformanceService }),
  });
  const shown = runs.map(({ name, family, host, skip }) => ({ name, family, host, skip }));
  tell({ type: "plan", plan: { plugin: plugin.name, file, port: port ?? plugin.defaultPort ?? 0, runs: shown } });
  for (const [index, { skip, run }] of runs.entries()) {
    if (skip !== false || todo?.includes(index) === false) continue;
    tell({ type: "begin", run: index });
    try {
      await run();
      tell({ type: "end", run: index, reason: null });
    } catch (error) {
      tell({ type: "end", run: index, reason: reasonOf(error) });
    }
  }
  tell({ type: "done" });
}

/** An error in a timer or a promise of the plugin's own: nothing is known of this process any more. */
function catchEscaped(): void {
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.removeAllListeners(event);
    process.on(event, (error: unknown) => {
      tell({ type: "escaped", message: reasonOf(error) });
      process.exit(EXIT.fault);
    });
  }
}

/** The plugin, telling which of its functions is called: in an endless loop it is the last one told. */
function watched(plugin: ProtocolPlugin): ProtocolPlugin {
  let last = "";
  const enter = (name: string): void => {
    if (name !== last) tell({ type: "call", of: name });
    last = name;
  };
  // Not a proxy of the object itself, whose properties it would have to show unchanged where they are frozen.
  const watch = <T extends object>(object: T, then: (result: unknown) => unknown): T =>
    new Proxy({} as T, {
      get(_, key) {
        const value: unknown = Reflect.get(object, key);
        if (typeof value !== "function") return value;
        return (...args: readonly unknown[]): unknown => {
          enter(typeof key === "symbol" ? "[Symbol.dispose]" : key);
          return then(Reflect.apply(value, object, args));
        };
      },
    });
  const asSession = (result: unknown): unknown =>
    typeof result === "object" && result !== null ? watch(result, (value) => value) : result;
  return watch(plugin, asSession);
}

/** At once, so that all is told whatever happens next. */
function tell(message: CheckMessage): void {
  const line = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < line.length; ) {
    try {
      at += writeSync(MESSAGES_FD, line, at);
    } catch (error) {
      const { code } = Object(error);
      // Whoever listens is slower than we are.
      if (code === "EAGAIN") continue;
      throw new UsageError(`Cannot run cases alone: nettrace plugin check does (${code})`);
    }
  }
}
