import { createNames, createOrigins, type Names, type Rung, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { parseRung } from "../ladder.ts";
import { type Action, type Key, press } from "./keys.ts";
import type { LiveSettings } from "./settings.ts";
import type { AddressBook, ScreenState, TargetState } from "./state.ts";
import { type Measuring, measureTarget, rungLabel } from "./target.ts";
import type { Tuning } from "./tuning.ts";

/** All targets being measured, and how they are looked at. Knows no terminal. */
export interface Session {
  state(): ScreenState;
  /** Does what a key asks for; what only the terminal's owner can do is returned. */
  press(key: Key): Extract<Action, { type: "quit" | "suspend" | "redraw" }> | undefined;
  /** Every target's rounds are over. Rejects with a fault only. */
  readonly done: Promise<void>;
  /** Ends the measuring. */
  stop(): Promise<void>;
  readonly targets: readonly Measuring[];
  readonly names: Names;
  readonly tuning: Tuning;
}

export interface SessionOptions {
  readonly hasUnicode: boolean;
  readonly hasColor: boolean;
  readonly hasKeys: boolean;
  /** There is something new to show. */
  readonly onChange: () => void;
}

/** Targets that are not shown need not be looked at with every frame. */
const HIDDEN_MS = 1000;

export function createSession(context: CommandContext, settings: LiveSettings, options: SessionOptions): Session {
  const { onChange } = options;
  let { ui, tuning } = settings;
  let frozen: readonly TargetState[] | undefined;
  const names = createNames({ onSettled: onChange, ...(context.reverse && { reverse: context.reverse }) });
  /** By whether the number is enough: a database that knows it asks nobody. */
  const briefly = createOrigins({ sources: [settings.origins("asns")], onSettled: onChange });
  const fully = createOrigins({ sources: [settings.origins("registry")], onSettled: onChange });
  const targets = settings.targets.map((target) => measureTarget(context, settings, target, onChange));
  const hidden = new Map<Measuring, { readonly atMs: number; readonly state: TargetState }>();

  const book: AddressBook = {
    nameOf(address) {
      if (!ui.hasNames) return undefined;
      names.want(address);
      return names.of(address);
    },
    originOf(address) {
      if (ui.origin === "off") return undefined;
      const origins = ui.origin === "number" || ui.origin === "holder" ? briefly : fully;
      origins.want(address);
      return origins.of(address);
    },
  };

  const stateOf = (target: Measuring, isShown: boolean): TargetState => {
    const nowMs = context.now().getTime();
    const known = hidden.get(target);
    if (!isShown && known !== undefined && nowMs - known.atMs < HIDDEN_MS) return known.state;
    const state = target.state(book);
    hidden.set(target, { atMs: nowMs, state });
    return state;
  };

  const targetStates = (): readonly TargetState[] => {
    if (ui.isPaused) {
      frozen ??= targets.map((target) => target.state(book));
      return frozen;
    }
    frozen = undefined;
    return targets.map((target, at) => stateOf(target, at === ui.tab));
  };

  const message = (text: string): void => {
    ui = { ...ui, message: text };
  };

  /** Throws UsageError for a protocol that there is not. */
  const switchProtocol = (wanted: Extract<Action, { type: "protocol" }>["wanted"]): void => {
    const rungs = wanted === "auto" ? undefined : rungsOf(wanted, settings, targets[ui.tab]?.rung);
    for (const target of targets) target.use(rungs);
    const [first] = rungs ?? [];
    message(
      first === undefined ? "The ladder is climbed again" : `Now by ${rungLabel(first)}; numbers of others are kept`,
    );
  };

  const act = (action: Exclude<Action, { type: "quit" | "suspend" | "redraw" }>): void => {
    switch (action.type) {
      case "reset":
        for (const target of targets) target.reset();
        break;
      case "tune":
        tuning = { ...tuning, ...action.change };
        for (const target of targets) target.tune(tuning);
        break;
      case "protocol":
        try {
          switchProtocol(action.wanted);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          message(error.message);
        }
    }
  };

  return {
    state: () => ({
      targets: targetStates(),
      ui,
      thresholds: settings.thresholds,
      now: context.now(),
      hasUnicode: options.hasUnicode,
      hasColor: options.hasColor,
      hasKeys: options.hasKeys,
    }),
    press(key) {
      const shown = targetStates()[ui.tab];
      const hops = shown?.run?.hops.map(({ row }) => row.hop) ?? [];
      const pressed = press(ui, key, { tabs: targets.length, hops, tuning });
      ({ ui } = pressed);
      const { action } = pressed;
      if (action?.type === "quit" || action?.type === "suspend" || action?.type === "redraw") return action;
      if (action !== undefined) act(action);
      // What is shown now is what stands still.
      if (ui.isPaused) targetStates();
      onChange();
      return undefined;
    },
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
