import { PROMPTS } from "./prompts.ts";
import type { Tuning } from "./tuning.ts";
import { DISPLAYS, type OpenPrompt, ORIGIN_VIEWS, PANES, type Ui } from "./ui.ts";

/** A key as it was pressed: a character, or a name of more than one letter. */
export type Key =
  | "up"
  | "down"
  | "left"
  | "right"
  | "page-up"
  | "page-down"
  | "home"
  | "end"
  | "enter"
  | "escape"
  | "tab"
  | "back-tab"
  | "backspace"
  | "interrupt"
  | "suspend"
  | "redraw"
  | { readonly character: string };

/** What a key wants done beyond the screen. */
export type Action =
  | { readonly type: "quit"; readonly isInterrupt: boolean }
  | { readonly type: "suspend" }
  | { readonly type: "redraw" }
  | { readonly type: "reset" }
  | { readonly type: "tune"; readonly change: Partial<Tuning> }
  /** `udp` and `tcp`: that one, or icmp where it is in use already; `auto`: whichever the ladder finds. */
  | { readonly type: "protocol"; readonly wanted: "udp" | "tcp" | "auto" | { readonly text: string } };

/** What keys need to know of the rest. */
export interface KeyScene {
  readonly tabs: number;
  /** Hops shown, in order. */
  readonly hops: readonly number[];
  readonly tuning: Tuning;
}

export interface Pressed {
  readonly ui: Ui;
  readonly action?: Action;
}

/** The screen after a key: mtr's keys, arrows for hops and panes. */
export function press(before: Ui, key: Key, scene: KeyScene): Pressed {
  const ui: Ui = { ...before, message: undefined };
  if (key === "interrupt") return { ui, action: { type: "quit", isInterrupt: true } };
  if (key === "suspend" || key === "redraw") return { ui, action: { type: key } };
  if (ui.prompt !== undefined) return answer(ui, ui.prompt, key, scene);
  if (ui.isHelp) return { ui: { ...ui, isHelp: false } };
  return typeof key === "object" ? pressCharacter(ui, key.character, scene) : pressNamed(ui, key, scene);
}

/** What mtr's + and - move by. */
const JUMP = 5;
const LONGEST_ANSWER = 60;

function pressNamed(ui: Ui, key: Exclude<Key, object>, scene: KeyScene): Pressed {
  switch (key) {
    case "up":
      return { ui: move(ui, -1, scene) };
    case "down":
      return { ui: move(ui, 1, scene) };
    case "page-up":
      return { ui: move(ui, -JUMP, scene) };
    case "page-down":
      return { ui: move(ui, JUMP, scene) };
    case "home":
      return { ui: move(ui, Number.NEGATIVE_INFINITY, scene) };
    case "end":
      return { ui: move(ui, Number.POSITIVE_INFINITY, scene) };
    case "right":
      return { ui: { ...ui, pane: next(PANES, ui.pane, 1) } };
    case "left":
      return { ui: { ...ui, pane: next(PANES, ui.pane, -1) } };
    case "enter":
      return { ui: expand(ui, scene) };
    case "escape":
      return { ui: { ...ui, pane: "none" } };
    case "tab":
      return { ui: turn(ui, ui.tab + 1, scene) };
    case "back-tab":
      return { ui: turn(ui, ui.tab - 1, scene) };
    default:
      return { ui };
  }
}

function pressCharacter(ui: Ui, character: string, scene: KeyScene): Pressed {
  const prompt = Object.hasOwn(PROMPTS, character) ? PROMPTS[character] : undefined;
  if (prompt !== undefined) {
    return { ui: { ...ui, prompt: { key: character, question: prompt.question(scene.tuning), text: "" } } };
  }
  if (/^[1-9]$/.test(character)) {
    const tab = Number(character) - 1;
    return { ui: tab < scene.tabs ? turn(ui, tab, scene) : ui };
  }
  switch (character) {
    case "?":
    case "h":
      return { ui: { ...ui, isHelp: true } };
    case "q":
      return { ui, action: { type: "quit", isInterrupt: false } };
    case "p":
      return { ui: { ...ui, isPaused: !ui.isPaused } };
    case " ":
      return { ui: { ...ui, isPaused: false } };
    case "d":
      return { ui: { ...ui, display: next(DISPLAYS, ui.display, 1) } };
    case "j":
      return { ui: { ...ui, columns: ui.columns === "latency" ? "jitter" : "latency" } };
    case "e":
      return { ui: { ...ui, hasMpls: !ui.hasMpls } };
    case "n":
      return { ui: { ...ui, hasNames: !ui.hasNames } };
    case "B":
      return { ui: { ...ui, hasBoth: !ui.hasBoth } };
    case "x":
      return { ui: { ...ui, expanded: ui.expanded === "all" ? new Set() : "all" } };
    case "z":
      return { ui: { ...ui, origin: ui.origin === "off" ? "number" : "off" } };
    case "y":
      return { ui: { ...ui, origin: next(ORIGIN_VIEWS, ui.origin, 1) } };
    case "r":
      return { ui, action: { type: "reset" } };
    case "u":
      return { ui, action: { type: "protocol", wanted: "udp" } };
    case "t":
      return { ui, action: { type: "protocol", wanted: "tcp" } };
    case "a":
      return { ui, action: { type: "protocol", wanted: "auto" } };
    case "+":
      return { ui: move(ui, JUMP, scene) };
    case "-":
      return { ui: move(ui, -JUMP, scene) };
    default:
      return { ui };
  }
}

/** An answer that is typed; Enter ends it, Escape leaves things as they are. */
function answer(ui: Ui, prompt: OpenPrompt, key: Key, { tuning }: KeyScene): Pressed {
  const closed: Ui = { ...ui, prompt: undefined };
  if (typeof key === "object") {
    return { ui: { ...ui, prompt: { ...prompt, text: (prompt.text + key.character).slice(0, LONGEST_ANSWER) } } };
  }
  if (key === "backspace") return { ui: { ...ui, prompt: { ...prompt, text: prompt.text.slice(0, -1) } } };
  if (key === "escape") return { ui: closed };
  if (key !== "enter") return { ui };
  const text = prompt.text.trim();
  const result = text === "" ? undefined : PROMPTS[prompt.key]?.answer(text, tuning);
  switch (result?.type) {
    case "tune":
      return { ui: closed, action: result };
    case "columns":
      return { ui: { ...closed, columns: { order: result.order } } };
    case "protocol":
      return { ui: closed, action: { type: "protocol", wanted: { text: result.text } } };
    case "error":
      return { ui: { ...closed, message: result.message } };
    default:
      return { ui: closed };
  }
}

function move(ui: Ui, by: number, { hops }: KeyScene): Ui {
  const at = ui.chosen === undefined ? 0 : Math.max(0, hops.indexOf(ui.chosen));
  const chosen = hops[Math.min(hops.length - 1, Math.max(0, at + by))];
  return chosen === undefined ? ui : { ...ui, chosen };
}

function expand(ui: Ui, { hops }: KeyScene): Ui {
  const hop = ui.chosen ?? hops[0];
  if (hop === undefined) return ui;
  const before = ui.expanded === "all" ? new Set(hops) : ui.expanded;
  const expanded = new Set(before);
  if (!expanded.delete(hop)) expanded.add(hop);
  return { ...ui, expanded };
}

function turn(ui: Ui, tab: number, { tabs }: KeyScene): Ui {
  return { ...ui, tab: (tab + tabs) % tabs, chosen: undefined, expanded: ui.expanded === "all" ? "all" : new Set() };
}

function next<T>(all: readonly T[], now: T, by: 1 | -1): T {
  return all[(all.indexOf(now) + by + all.length) % all.length] ?? now;
}
