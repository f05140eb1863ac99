import type { Names, Origins } from "../../core/mod.ts";
import { type Action, type Key, press } from "./keys.ts";
import type { Measured } from "./measured.ts";
import type { AddressBook, ScreenState, TargetState } from "./state.ts";
import type { Thresholds } from "./thresholds.ts";
import type { Tuning } from "./tuning.ts";
import type { Ui } from "./ui.ts";

/** What only the terminal's owner can do. */
type OuterAction = Extract<Action, { type: "quit" | "suspend" | "redraw" }>;
export type InnerAction = Exclude<Action, OuterAction>;

/** How targets are looked at. Knows no terminal, and not where the numbers come from. */
export interface Viewing {
  readonly ui: Ui;
  state(): ScreenState;
  /** Does what a key asks for; what only the terminal's owner can do is returned. */
  press(key: Key): OuterAction | undefined;
  /** Shows a message until the next key. */
  say(message: string): void;
}

/** What the terminal can show. */
export interface TerminalTraits {
  readonly hasUnicode: boolean;
  readonly hasColor: boolean;
  readonly hasKeys: boolean;
}

export interface ViewingOptions extends TerminalTraits {
  readonly targets: readonly Measured[];
  readonly ui: Ui;
  readonly thresholds: Thresholds;
  readonly tuning: () => Tuning;
  readonly names: Names;
  /** Networks as far as their number tells, and all that is known of them; absent: nobody is asked. */
  readonly origins?: { readonly briefly: Origins; readonly fully: Origins };
  readonly now: () => Date;
  /** What is played, where it is a recording. */
  readonly replay?: () => ScreenState["replay"];
  /** Returns what to say of it. */
  readonly act: (action: InnerAction, ui: Ui) => string | undefined;
  /** There is something new to show. */
  readonly onChange: () => void;
}

/** Targets that are not shown need not be looked at with every frame. */
const HIDDEN_MS = 1000;

export function createViewing(options: ViewingOptions): Viewing {
  const { targets, names, origins, onChange } = options;
  let { ui } = options;
  let frozen: readonly TargetState[] | undefined;
  const hidden = new Map<Measured, { readonly atMs: number; readonly state: TargetState }>();

  const book: AddressBook = {
    nameOf(address) {
      if (!ui.hasNames) return undefined;
      names.want(address);
      return names.of(address);
    },
    originOf(address) {
      if (ui.origin === "off" || origins === undefined) return undefined;
      const source = ui.origin === "number" || ui.origin === "holder" ? origins.briefly : origins.fully;
      source.want(address);
      return source.of(address);
    },
  };

  const stateOf = (target: Measured, isShown: boolean): TargetState => {
    const nowMs = options.now().getTime();
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

  return {
    get ui() {
      return ui;
    },
    state() {
      const replay = options.replay?.();
      return {
        targets: targetStates(),
        ui,
        thresholds: options.thresholds,
        now: options.now(),
        hasUnicode: options.hasUnicode,
        hasColor: options.hasColor,
        hasKeys: options.hasKeys,
        ...(replay !== undefined && { replay }),
      };
    },
    press(key) {
      const shown = targetStates()[ui.tab];
      const hops = shown?.run?.hops.map(({ row }) => row.hop) ?? [];
      const pressed = press(ui, key, { tabs: targets.length, hops, tuning: options.tuning() });
      ({ ui } = pressed);
      const { action } = pressed;
      if (action?.type === "quit" || action?.type === "suspend" || action?.type === "redraw") return action;
      if (action !== undefined) {
        const said = options.act(action, ui);
        if (said !== undefined) ui = { ...ui, message: said };
      }
      // What is shown now is what stands still.
      if (ui.isPaused) targetStates();
      onChange();
      return undefined;
    },
    say(message) {
      ui = { ...ui, message };
      onChange();
    },
  };
}
