/**
 * A program: `embedded-trace.ts PLUGIN PORT TARGET QUERIES busy|idle` traces as one that embeds nettrace might and, if busy,
 * keeps the event loop at work with JSON and DNS all the while. Prints each hop's round-trip times in milliseconds, in the
 * order of sending.
 */
import { reverse } from "node:dns/promises";
import { createPath, openSystemNetwork, parseAddress, trace } from "../../core/mod.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

const [name = "", port = "0", to = "", queries = "3", load = "idle"] = process.argv.slice(2);
const plugin = builtInPlugins.find((each) => each.name === name);
const address = parseAddress(to);
if (plugin === undefined || address === undefined) throw new TypeError(`Cannot trace ${to} by ${name}`);

/** At work for some milliseconds, free for one: as rendering many hops is. */
const WORK_MS = 6;
const document = JSON.stringify(
  Array.from({ length: 400 }, (_, index) => ({ index, name: `hop ${index}`, rtts: [index / 3] })),
);
let names = 0;
const work = (): void => {
  const untilMs = performance.now() + WORK_MS;
  while (performance.now() < untilMs) JSON.stringify(JSON.parse(document));
  names += 1;
  // Nobody answers it: what counts is that it is under way.
  if (names % 20 === 0) reverse(`10.0.0.${names % 250}`).catch(() => undefined);
};
const timer = load === "busy" ? setInterval(work, 1) : undefined;

const network = await openSystemNetwork();
const path = createPath();
const options = { queries: Number(queries), packetsPerSecond: 200 };
for await (const event of trace(network, { plugin, target: { address, port: Number(port) }, trace: options })) {
  path.apply(event);
}
clearInterval(timer);
const hops = path.hops().map(({ hop, probes }) => ({
  hop,
  rtts: probes.flatMap(({ probe, rttMs }) => (probe.scout === true ? [] : [rttMs ?? null])),
}));
process.stdout.write(`${JSON.stringify(hops)}\n`);
network[Symbol.dispose]();
process.exit(0);
