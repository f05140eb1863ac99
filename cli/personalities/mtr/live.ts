import { type IpAddress, parseAddress, type Rung } from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import { buildLadder } from "../../ladder.ts";
import { liveOrigins } from "../../live/origins.ts";
import type { LiveSettings, LiveTarget } from "../../live/settings.ts";
import { checkTerminal, loadScreen } from "../../live/terminal-check.ts";
import { DEFAULT_THRESHOLDS } from "../../live/thresholds.ts";
import { DISPLAYS, FIRST_UI, ORIGIN_VIEWS } from "../../live/ui.ts";
import type { CommonOptions } from "../../options.ts";
import { isFallbackWanted } from "../fallback.ts";
import { lookUpHost } from "../lookup.ts";
import { DEFAULT_ORDER } from "./fields.ts";
import { isFlowVaried, rungsOf } from "./measure.ts";
import { MtrComplaint, type MtrSettings } from "./settings.ts";

/** EXIT_FAILURE, for whatever stops mtr. */
const FAILURE = 1;
/** mtr's `-s` where it is not given. */
const USUAL_SIZE = 64;

/** mtr without `-r` or a format: the screen of `nettrace live`, and mtr's exit status. Throws MtrComplaint, UsageError. */
export async function runLiveMtr(context: CommandContext, settings: MtrSettings): Promise<number> {
  checkTerminal(context, "-r, -w, --json, --csv, --xml, --raw and --split need none");
  const targets = await lookUpAll(context, settings);
  const live = await toLiveSettings(context, settings);
  const { showLive } = await loadScreen(() => import("../../live/show-live.ts"));
  const code = await showLive(context, { ...live, targets });
  if (code === EXIT.refusedHere) return FAILURE;
  return code === EXIT.terminated || code === EXIT.hungUp ? code : EXIT.reached;
}

async function lookUpAll(context: CommandContext, { hosts, family }: MtrSettings): Promise<readonly LiveTarget[]> {
  const targets: LiveTarget[] = [];
  for (const host of hosts.length === 0 ? ["localhost"] : hosts) {
    const { address, error } = await lookUpHost(context, host, [family ?? 0]);
    if (address === undefined) throw new MtrComplaint(`Failed to resolve host: ${host}: ${error}`);
    targets.push({ host, address });
  }
  return targets;
}

async function toLiveSettings(context: CommandContext, settings: MtrSettings): Promise<Omit<LiveSettings, "targets">> {
  const choice = await context.protocols();
  const asked = await rungsOf(settings, choice.plugins);
  const ports = settings.port === undefined ? undefined : String(settings.port);
  const others = buildLadder(choice, { ports }).filter((rung) => !asked.some((each) => isSame(each, rung)));
  const { firstHop, maxHop, maxUnknown, intervalMs, tos, bitPattern } = settings;
  const isFilled = bitPattern !== 0;
  return {
    rungs: isFallbackWanted(settings.fallback, context.env) ? undefined : asked,
    ladder: [...asked, ...others],
    staggerMs: 250,
    plugins: choice.plugins,
    options: toOptions(settings),
    ...(settings.hasCycles && { cycles: settings.cycles }),
    timeoutMs: settings.timeoutMs,
    tuning: {
      intervalMs,
      firstHop,
      maxHop,
      maxUnknown,
      // Of mtr's usual size nothing would be seen; and a SYN has none.
      packetSize: settings.packetSize === USUAL_SIZE && !isFilled ? undefined : settings.packetSize,
      fill: isFilled ? bitPattern : undefined,
      trafficClass: tos === 0 ? undefined : tos,
    },
    ui: {
      ...FIRST_UI,
      display: DISPLAYS[settings.display] ?? "table",
      columns: orderOf(settings),
      hasNames: settings.dns,
      hasBoth: settings.showIps,
      hasMpls: settings.mpls,
      origin: ORIGIN_VIEWS[settings.info === undefined ? 0 : settings.info + 1] ?? "off",
    },
    thresholds: DEFAULT_THRESHOLDS,
    origins: await liveOrigins(context, settings.asnDb),
  };
}

function isSame(a: Rung, b: Rung): boolean {
  return a.plugin === b.plugin && a.port === b.port;
}

function orderOf({ fields }: MtrSettings): LiveSettings["ui"]["columns"] {
  const order = fields.map(({ key }) => key).join("");
  return order === DEFAULT_ORDER ? "latency" : { order };
}

function toOptions(settings: MtrSettings): CommonOptions {
  const { firstHop, maxHop, localPort, address, mark, interface: name, protocol } = settings;
  const source = address === undefined ? undefined : sourceOf(address);
  return {
    trace: { firstHop, maxHop, flow: isFlowVaried(settings) ? "vary" : "constant" },
    send: mark === undefined ? {} : { mark },
    backend: "auto",
    numeric: !settings.dns,
    format: "text",
    ...(localPort !== undefined && protocol === "udp" && { sourcePort: localPort }),
    ...(source !== undefined && { source }),
    ...(name !== undefined && { interface: name }),
  };
}

function sourceOf(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new MtrComplaint("invalid local address");
  return address;
}
