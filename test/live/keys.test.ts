import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Action, type Key, type KeyScene, press } from "../../cli/live/keys.ts";
import { type Keystroke, keysOf } from "../../cli/live/keystrokes.ts";
import { PROMPTS } from "../../cli/live/prompts.ts";
import type { Tuning } from "../../cli/live/tuning.ts";
import { FIRST_UI, type Ui } from "../../cli/live/ui.ts";

const TUNING: Tuning = {
  intervalMs: 1000,
  firstHop: 1,
  maxHop: 30,
  maxUnknown: 12,
  packetSize: undefined,
  fill: undefined,
  trafficClass: undefined,
};
const SCENE: KeyScene = { tabs: 3, hops: [1, 2, 3, 4, 5, 6, 7, 8], tuning: TUNING };

/** Presses keys in order: names of keys, or text of single characters. */
function pressAll(...keys: readonly (Key | string)[]): { readonly ui: Ui; readonly actions: readonly Action[] } {
  let ui: Ui = FIRST_UI;
  const actions: Action[] = [];
  const named = ["up", "down", "left", "right", "page-down", "home", "end", "enter", "escape", "tab", "back-tab"];
  const others = ["backspace", "interrupt", "suspend", "redraw", "page-up"];
  for (const key of keys) {
    const isNamed = typeof key === "object" || named.includes(key) || others.includes(key);
    const each = isNamed ? [key as Key] : Array.from(key as string, (character) => ({ character }));
    for (const one of each) {
      const pressed = press(ui, one, SCENE);
      ({ ui } = pressed);
      if (pressed.action !== undefined) actions.push(pressed.action);
    }
  }
  return { ui, actions };
}

describe("keys of the live screen", () => {
  const toggles: readonly (readonly [string, keyof Ui, readonly unknown[]])[] = [
    ["d", "display", ["history", "levels", "table"]],
    ["j", "columns", ["jitter", "latency"]],
    ["e", "hasMpls", [false, true]],
    ["n", "hasNames", [false, true]],
    ["B", "hasBoth", [true, false]],
    ["z", "origin", ["number", "off"]],
    ["y", "origin", ["number", "prefix", "country", "registry", "allocated", "holder", "off"]],
    ["p", "isPaused", [true, false]],
    ["?", "isHelp", [true, false]],
    ["h", "isHelp", [true, false]],
  ];
  for (const [key, what, values] of toggles) {
    it(`${key} changes ${what}`, () => {
      values.forEach((value, at) => {
        assert.deepEqual(pressAll(key.repeat(at + 1)).ui[what], value);
      });
    });
  }

  it("space goes on, and does not pause", () => {
    assert.equal(pressAll(" ").ui.isPaused, false);
    assert.equal(pressAll("p", " ").ui.isPaused, false);
  });

  it("arrows and mtr's + and - choose a hop among those shown", () => {
    assert.equal(pressAll("down").ui.chosen, 2);
    assert.equal(pressAll("down", "down", "up").ui.chosen, 2);
    assert.equal(pressAll("up").ui.chosen, 1);
    assert.equal(pressAll("end").ui.chosen, 8);
    assert.equal(pressAll("+").ui.chosen, 6);
    assert.equal(pressAll("+", "+", "+", "-").ui.chosen, 3);
    assert.equal(press(FIRST_UI, "down", { ...SCENE, hops: [] }).ui.chosen, undefined);
  });

  it("right and left go through the panes, escape closes them", () => {
    assert.equal(pressAll("right").ui.pane, "detail");
    assert.equal(pressAll("right", "right").ui.pane, "chart");
    assert.equal(pressAll("left").ui.pane, "histogram");
    assert.equal(pressAll("left", "right").ui.pane, "none");
    assert.equal(pressAll("left", "escape").ui.pane, "none");
  });

  it("enter lists a hop's responders, x those of all hops", () => {
    assert.deepEqual(pressAll("down", "enter").ui.expanded, new Set([2]));
    assert.deepEqual(pressAll("down", "enter", "enter").ui.expanded, new Set());
    assert.equal(pressAll("x").ui.expanded, "all");
    assert.deepEqual(pressAll("x", "x").ui.expanded, new Set());
    assert.deepEqual(pressAll("x", "enter").ui.expanded, new Set([2, 3, 4, 5, 6, 7, 8]));
  });

  it("tab and digits choose a target", () => {
    assert.equal(pressAll("tab").ui.tab, 1);
    assert.equal(pressAll("back-tab").ui.tab, 2);
    assert.equal(pressAll("tab", "tab", "tab").ui.tab, 0);
    assert.equal(pressAll("3").ui.tab, 2);
    assert.equal(pressAll("3", "4").ui.tab, 2);
    assert.equal(pressAll("down", "tab").ui.chosen, undefined);
  });

  it("q, r, u, t, a and control keys act", () => {
    assert.deepEqual(pressAll("q").actions, [{ type: "quit", isInterrupt: false }]);
    assert.deepEqual(pressAll("interrupt").actions, [{ type: "quit", isInterrupt: true }]);
    assert.deepEqual(pressAll("suspend", "redraw").actions, [{ type: "suspend" }, { type: "redraw" }]);
    assert.deepEqual(pressAll("r").actions, [{ type: "reset" }]);
    assert.deepEqual(
      pressAll("uta").actions.map((action) => action.type === "protocol" && action.wanted),
      ["udp", "tcp", "auto"],
    );
  });

  it("of which any closes the help, and does nothing else", () => {
    const { ui, actions } = pressAll("?", "q");
    assert.equal(ui.isHelp, false);
    assert.deepEqual(actions, []);
    assert.deepEqual(pressAll("?", "interrupt").actions, [{ type: "quit", isInterrupt: true }]);
  });
});

describe("prompts of the live screen", () => {
  const answers: readonly (readonly [string, string, Partial<Tuning>])[] = [
    ["i", "0.5", { intervalMs: 500 }],
    ["i", "2", { intervalMs: 2000 }],
    ["f", "3", { firstHop: 3 }],
    ["m", "20", { maxHop: 20 }],
    ["U", "5", { maxUnknown: 5 }],
    ["s", "1400", { packetSize: 1400 }],
    ["b", "255", { fill: 255 }],
    ["b", "random", { fill: "random" }],
    ["Q", "184", { trafficClass: 184 }],
  ];
  for (const [key, text, change] of answers) {
    it(`${key} ${text} changes how it is measured`, () => {
      const { ui, actions } = pressAll(key, text, "enter");
      assert.deepEqual(actions, [{ type: "tune", change }]);
      assert.equal(ui.prompt, undefined);
    });
  }

  const errors: readonly (readonly [string, string, RegExp])[] = [
    ["i", "0", /seconds from 0\.01 to 86400/],
    ["i", "x", /a number of seconds/],
    ["f", "31", /a whole number from 1 to 30/],
    ["m", "0", /a whole number from 1 to 255/],
    ["s", "19", /from 20 to 65535/],
    ["b", "256", /from 0 to 255/],
    ["Q", "-1", /from 0 to 255/],
    ["o", "LQ", /letters of LHDRSNABWVGJMXI/],
  ];
  for (const [key, text, message] of errors) {
    it(`${key} ${text} is refused`, () => {
      const { ui, actions } = pressAll(key, text, "enter");
      assert.deepEqual(actions, []);
      assert.match(ui.message ?? "", message);
    });
  }

  it("o chooses columns, P a protocol", () => {
    assert.deepEqual(pressAll("o", "LS A", "enter").ui.columns, { order: "LS A" });
    assert.deepEqual(pressAll("P", "tcp-syn:22", "enter").actions, [
      { type: "protocol", wanted: { text: "tcp-syn:22" } },
    ]);
  });

  it("are corrected by backspace, and left as they were by escape or an empty answer", () => {
    assert.deepEqual(pressAll("m", "205", "backspace", "enter").actions, [{ type: "tune", change: { maxHop: 20 } }]);
    assert.deepEqual(pressAll("m", "20", "escape").actions, []);
    assert.deepEqual(pressAll("m", "enter").actions, []);
    assert.equal(pressAll("m", "q").ui.prompt?.text, "q");
  });

  it("tell the value so far", () => {
    assert.equal(pressAll("i").ui.prompt?.question, "Interval, seconds (1): ");
    assert.equal(PROMPTS["s"]?.question({ ...TUNING, packetSize: 100 }), "Packet size, octets (100): ");
  });

  it("do not grow without end", () => {
    assert.equal(pressAll("P", "x".repeat(500)).ui.prompt?.text.length, 60);
  });
});

describe("keystrokes", () => {
  const NONE: Keystroke = {
    upArrow: false,
    downArrow: false,
    leftArrow: false,
    rightArrow: false,
    pageUp: false,
    pageDown: false,
    home: false,
    end: false,
    return: false,
    escape: false,
    tab: false,
    shift: false,
    backspace: false,
    delete: false,
    ctrl: false,
    meta: false,
  };

  it("have names, or are characters", () => {
    assert.deepEqual(keysOf("", { ...NONE, upArrow: true }), ["up"]);
    assert.deepEqual(keysOf("", { ...NONE, tab: true, shift: true }), ["back-tab"]);
    assert.deepEqual(keysOf("", { ...NONE, delete: true }), ["backspace"]);
    assert.deepEqual(keysOf("c", { ...NONE, ctrl: true }), ["interrupt"]);
    assert.deepEqual(keysOf("z", { ...NONE, ctrl: true }), ["suspend"]);
    assert.deepEqual(keysOf("x", { ...NONE, ctrl: true }), []);
    assert.deepEqual(keysOf("q", { ...NONE, meta: true }), []);
  });

  it("may come several at once", () => {
    const typed = [{ character: "i" }, { character: "2" }, "enter", { character: " " }];
    assert.deepEqual(keysOf("i2\r ", NONE), typed);
    assert.deepEqual(keysOf("a\x03\x1a\x0c\x7f", NONE), [
      { character: "a" },
      "interrupt",
      "suspend",
      "redraw",
      "backspace",
    ]);
    assert.deepEqual(keysOf("\x01\u202e\u00a0", NONE), []);
  });
});
