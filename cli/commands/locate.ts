import {
  type Attempt,
  auto,
  createOrigins,
  formatAddress,
  type Origins,
  REFUSED_HERE,
  resolveTarget,
  UsageError,
} from "../../core/mod.ts";
import { originSources } from "../asn/sources.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { checkHost, echo } from "../host.ts";
import { type Location, locate, type Traced } from "../locate/judge.ts";
import { type Asked, parseAsked } from "../locate/targets.ts";
import { checkOptions, type TypedOptions } from "../options.ts";
import { printableJson } from "../printable.ts";
import { locateText } from "../render/locate.ts";
import { createProgress } from "../render/progress.ts";
import { createPaint } from "../render/style.ts";

export interface LocateArguments {
  readonly host: string;
  readonly options: Omit<TypedOptions, "format" | "record"> & {
    readonly port: string;
    readonly reference?: string | undefined;
    readonly format?: string | undefined;
    readonly asnDb?: string | undefined;
  };
}

/** What is compared with, where nothing that was asked for passes. */
const REFERENCES = "tcp/443,tcp/80,icmp";

/**
 * `nettrace locate HOST -p PORT`: where in the path each port is filtered, by comparing with one that passes. Exit 0 where
 * all that was asked for passes, 1 where something does not, 3 where this host keeps all back.
 */
export async function runLocate(context: CommandContext, { host, options }: LocateArguments): Promise<number> {
  const format = options.format ?? "text";
  if (format !== "text" && format !== "json")
    throw new UsageError(`Cannot use --format ${echo(format)}: it must be text or json`);
  const { plugins } = await context.protocols();
  const asked = parseAsked(options.port, plugins);
  const references = parseAsked(options.reference ?? REFERENCES, plugins);
  const common = checkOptions({ ...options, format: undefined, record: undefined });
  const origins =
    options.numeric === true ? undefined : createOrigins({ sources: await originSources(options.asnDb, context.env) });

  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  const progress = createProgress(context.stderr, context.env);
  try {
    using network = await context.openNetwork({
      backend: common.backend,
      ...(common.source !== undefined && { source: common.source }),
      ...(common.interface !== undefined && { interface: common.interface }),
    });
    const { address } = await resolveTarget({
      host: checkHost(host),
      route: (to) => network.route(to),
      signal: abort.signal,
      ...(common.family !== undefined && { family: common.family }),
      ...(context.lookup !== undefined && { lookup: context.lookup }),
    });
    const traced: Traced[] = [];
    const traceOne = async ({ label, ladder }: Asked): Promise<void> => {
      let best: Attempt | undefined;
      for await (const event of auto(network, { target: address, ladder, trace: common.trace, signal: abort.signal })) {
        if (event.type === "trace") progress.show(event.attempt);
        if (event.type === "finished") best = event.winner ?? event.attempts.at(-1);
      }
      if (best !== undefined) traced.push({ label, attempt: best });
    };
    for (const each of asked) if (!abort.signal.aborted) await traceOne(each);
    const passes = (): boolean => traced.some(({ attempt }) => attempt.path.targetHop !== undefined);
    for (const each of references) {
      if (passes() || abort.signal.aborted) break;
      if (!asked.some(({ label }) => label === each.label)) await traceOne(each);
    }
    const locations = locate(traced);
    await settleOrigins(origins, locations);
    progress.clear();
    const own = locations.filter(({ label }) => asked.some((each) => each.label === label));
    const target = { name: host, address };
    if (format === "json") context.stdout.write(`${printableJson(document(target, locations, own, origins))}\n`);
    else
      context.stdout.write(
        locateText(target, locations, own, origins, createPaint(context.stdout, context.env), context.stdout.columns),
      );
    if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
    if (own.every(({ verdict }) => verdict !== undefined && REFUSED_HERE.has(verdict))) return EXIT.refusedHere;
    return own.every(({ state }) => state === "passes") ? EXIT.reached : EXIT.notReached;
  } finally {
    stopListening();
    progress.clear();
  }
}

async function settleOrigins(origins: Origins | undefined, locations: readonly Location[]): Promise<void> {
  for (const { last, next } of locations)
    for (const place of [last, next]) if (place !== undefined) origins?.want(place.address);
  await origins?.allSettled();
}

function document(
  target: { readonly name: string; readonly address: Parameters<typeof formatAddress>[0] },
  all: readonly Location[],
  own: readonly Location[],
  origins: Origins | undefined,
): object {
  const place = (of: Location["last"]): object | null =>
    of === undefined
      ? null
      : { hop: of.hop, address: formatAddress(of.address), asns: origins?.of(of.address)?.asns ?? [] };
  return {
    schema: "nettrace.locate/1",
    target: { name: target.name, address: formatAddress(target.address) },
    locations: all.map((each) => ({
      asked: own.includes(each),
      label: each.label,
      state: each.state,
      verdict: each.verdict ?? null,
      last: place(each.last),
      next: place(each.next),
      compared_with: each.comparedWith ?? null,
      reason: each.reason,
    })),
  };
}
