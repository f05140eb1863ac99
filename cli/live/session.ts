import { createNames, createOrigins, type Names, type Rung, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { parseRung } from "../ladder.ts";
import type { Action } from "./keys.ts";
import type { LiveSettings } from "./settings.ts";
import { type Measuring, measureTarget, rungLabel } from "./target.ts";
import type { Tuning } from "./tuning.ts";
import { createViewing, type InnerAction, type TerminalTraits, type Viewing } from "./viewing.ts";

/** All targets being measured, and how they are looked at. Knows no terminal. */
export interface Session extends Pick<Viewing, "state" | "press"> {
  /** Every target's rounds are over. Rejects with a fault only. */
  readonly done: Promise<void>;
  /** Ends the measuring. */
  stop(): Promise<void>;
  readonly targets: readonly Measuring[];
  readonly names: Names;
  readonly tuning: Tuning;
}

export interface SessionOptions extends TerminalTraits {
  /** There is something new to show. */
  readonly onChange: () => void;
}

export function createSession(context: CommandContext, settings: LiveSettings, options: SessionOptions): Session {
  const { onChange } = options;
  let { tuning } = settings;
  const names = createNames({ onSettled: onChange, ...(context.reverse && { reverse: context.reverse }) });
  const targets = settings.targets.map((target) => measureTarget(context, settings, target, onChange));

  /** Throws UsageError for a protocol that there is not. */
  const switchProtocol = (wanted: Extract<Action, { type: "protocol" }>["wanted"], tab: number): string => {
    const rungs = wanted === "auto" ? undefined : rungsOf(wanted, settings, targets[tab]?.rung);
    for (const target of targets) target.use(rungs);
    const [first] = rungs ?? [];
    if (first === undefined) return "The ladder is climbed again";
    return `Now by ${rungLabel(first)}; numbers of others are kept`;
  };

  const act = (action: InnerAction, tab: number): string | undefined => {
    switch (action.type) {
      case "reset":
        for (const target of targets) target.reset();
        return "All numbers begin anew";
      case "tune":
        tuning = { ...tuning, ...action.change };
        settings.observe?.({ type: "tuned", tuning });
        for (const target of targets) target.tune(tuning);
        return undefined;
      case "protocol":
        try {
          return switchProtocol(action.wanted, tab);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          return error.message;
        }
    }
  };

  const viewing = createViewing({
    ...options,
    targets,
    ui: settings.ui,
    thresholds: settings.thresholds,
    tuning: () => tuning,
    names,
    origins: {
      // A database that knows the number asks nobody.
      briefly: createOrigins({ sources: [settings.origins("asns")], onSettled: onChange }),
      fully: createOrigins({ sources: [settings.origins("registry")], onSettled: onChange }),
    },
    now: () => context.now(),
    act: (action, { tab }) => act(action, tab),
  });

  return {
    state: viewing.state,
    press: viewing.press,
    done: Promise.all(targets.map(({ done }) => done)).then(() => undefined),
    async stop() {
      for (const target of targets) target.stop();
      await Promise.all(targets.map(({ done }) => done));
    },
    targets,
    names,
    get tuning() {
      return tuning;
    },
  };
}

/** mtr's toggles: the one asked for or, where it is in use already, icmp. */
function rungsOf(
  wanted: "udp" | "tcp" | { readonly text: string },
  { ladder, plugins }: LiveSettings,
  now: Rung | undefined,
): readonly Rung[] {
  if (typeof wanted === "object") return [parseRung("P", wanted.text, plugins)];
  const name = now?.plugin.name ?? "";
  const isInUse = wanted === "tcp" ? name.startsWith("tcp-") : name === wanted;
  if (isInUse || wanted === "udp") return [parseRung("P", isInUse ? "icmp" : "udp", plugins)];
  const ofLadder = ladder.filter(({ plugin }) => plugin.name.startsWith("tcp-"));
  return ofLadder.length > 0 ? ofLadder : ["tcp-syn", "tcp-connect"].map((each) => parseRung("P", each, plugins));
}
