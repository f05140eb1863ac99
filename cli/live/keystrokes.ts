import type { Key } from "./keys.ts";

/** What ink's `useInput` tells of a key. */
export interface Keystroke {
  readonly upArrow: boolean;
  readonly downArrow: boolean;
  readonly leftArrow: boolean;
  readonly rightArrow: boolean;
  readonly pageUp: boolean;
  readonly pageDown: boolean;
  readonly home: boolean;
  readonly end: boolean;
  readonly return: boolean;
  readonly escape: boolean;
  readonly tab: boolean;
  readonly shift: boolean;
  readonly backspace: boolean;
  readonly delete: boolean;
  readonly ctrl: boolean;
  readonly meta: boolean;
}

const CONTROLS: Readonly<Record<string, Key>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\b": "backspace",
  "\x7f": "backspace",
  "\x03": "interrupt",
  "\x1a": "suspend",
  "\x0c": "redraw",
};

const WITH_CONTROL: Readonly<Record<string, Key>> = { c: "interrupt", z: "suspend", l: "redraw", h: "backspace" };

/** The keys in what arrived at once: one, or several that were typed ahead or pasted. */
export function keysOf(input: string, key: Keystroke): readonly Key[] {
  const named = namedKey(key);
  if (named !== undefined) return [named];
  if (key.ctrl) {
    const control = WITH_CONTROL[input];
    return control === undefined ? [] : [control];
  }
  if (key.meta) return [];
  return Array.from(input).flatMap((character): Key[] => {
    const control = CONTROLS[character];
    if (control !== undefined) return [control];
    return /^[\p{C}\p{Z}]$/u.test(character) && character !== " " ? [] : [{ character }];
  });
}

function namedKey(key: Keystroke): Key | undefined {
  if (key.upArrow) return "up";
  if (key.downArrow) return "down";
  if (key.leftArrow) return "left";
  if (key.rightArrow) return "right";
  if (key.pageUp) return "page-up";
  if (key.pageDown) return "page-down";
  if (key.home) return "home";
  if (key.end) return "end";
  if (key.return) return "enter";
  if (key.tab) return key.shift ? "back-tab" : "tab";
  if (key.backspace || key.delete) return "backspace";
  return key.escape ? "escape" : undefined;
}
