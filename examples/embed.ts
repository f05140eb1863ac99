/** Traces several paths at once, again and again, and prints each that changes: `bun embed.ts one.example two.example`. */
import { auto, type IpAddress, type Network, openSystemNetwork, resolveTarget } from "nettrace";
import { builtInPlugins } from "nettrace/plugins";

const ladder = builtInPlugins.map((plugin) => ({ plugin, port: plugin.defaultPort ?? 0 }));
/** The first responder of each hop; "*" where nobody answered. */
async function pathTo(network: Network, target: IpAddress, sourcePort: number, signal: AbortSignal): Promise<string[]> {
  // One source port for ever: balancers then lead to the same routers each time.
  for await (const event of auto(network, { target, ladder, probe: { sourcePort }, signal })) {
    if (event.type !== "finished") continue;
    return event.winner?.path.hops().map(({ responders }) => responders[0]?.text ?? "*") ?? [];
  }
  return [];
}
/** A line at first, and whenever the path is another one than before. Silence of a router is no change. */
export async function* watch(network: Network, host: string, sourcePort: number, everyMs: number, signal: AbortSignal) {
  const { address } = await resolveTarget({ host, route: (to) => network.route(to), signal });
  for (
    let before: readonly string[] | undefined;
    !signal.aborted;
    await network.receive(network.nowMs() + everyMs, signal)
  ) {
    const path = await pathTo(network, address, sourcePort, signal);
    const isOther = path.some((hop, at) => hop !== "*" && before?.[at] !== "*" && hop !== before?.[at]);
    if (!signal.aborted && (isOther || path.length !== before?.length)) yield `${host}: ${path.join(" ")}`;
    before = path.map((hop, at) => (hop === "*" ? (before?.[at] ?? "*") : hop));
  }
}
async function main(hosts: readonly string[], everyMs: number): Promise<void> {
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  const watches = hosts.map(async (host, at) => {
    const network = await openSystemNetwork();
    for await (const line of watch(network, host, 40_000 + at, everyMs, abort.signal)) console.log(line);
    network[Symbol.dispose]();
  });
  await Promise.all(watches);
}
if (/\bembed\.[jt]s$/.test(process.argv[1] ?? ""))
  await main(process.argv.slice(2), Number(process.env["EVERY_MS"] ?? 10_000));
