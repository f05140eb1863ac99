import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Key } from "../../cli/live/keys.ts";
import { openScreen, type Screen } from "../../cli/live/screen.ts";

interface FakeTerminal {
  readonly screen: Screen;
  readonly keys: readonly Key[];
  /** Draws, and lets ink get round to it. */
  draw(lines: readonly string[]): Promise<void>;
  /** What was written to it since the last call. */
  written(): string;
  type(text: string): Promise<void>;
  readonly isRaw: boolean;
  /** Whether it takes what is written. */
  stall(isStalled: boolean): void;
}

const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?1049l";
const HIDE = "\x1b[?25l";
const SHOW = "\x1b[?25h";

function open(columns = 80, rows = 24, hasKeys = true): FakeTerminal {
  let bytes = "";
  let isRaw = false;
  let release: (() => void) | undefined;
  let isStalled = false;
  const keys: Key[] = [];
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      bytes += chunk;
      if (isStalled) release = done;
      else done();
    },
  });
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(mode: boolean) {
      isRaw = mode;
    },
    ref() {},
    unref() {},
  });
  const screen = openScreen({
    stdin: stdin as never,
    stdout: Object.assign(stdout, { columns, rows, isTTY: true }) as never,
    hasKeys,
    onKey: (key) => keys.push(key),
    onResize() {},
  });
  return {
    screen,
    keys,
    async draw(lines) {
      screen.draw(lines);
      await sleep(10);
    },
    written() {
      const text = bytes;
      bytes = "";
      return text;
    },
    async type(text) {
      stdin.write(text);
      // A lone escape is known to be one only after a while.
      for (let turns = 0; turns < 5; turns += 1) await sleep(10);
    },
    get isRaw() {
      return isRaw;
    },
    stall(stalled) {
      isStalled = stalled;
      if (!stalled) release?.();
    },
  };
}

describe("the screen that ink draws", () => {
  it("uses the alternate screen, hides the cursor, and gives both back", async () => {
    const terminal = open();
    await terminal.draw(["one", "two"]);
    const start = terminal.written();
    assert.ok(start.includes(ENTER) && start.includes(HIDE));
    assert.match(start, /one.*two/s);
    assert.ok(terminal.isRaw);
    await terminal.screen.close();
    const end = terminal.written();
    assert.ok(end.includes(LEAVE) && end.lastIndexOf(SHOW) > end.lastIndexOf(HIDE));
    assert.ok(!terminal.isRaw);
  });

  it("writes what has changed only, and nothing where nothing has", async () => {
    const terminal = open();
    const rows = Array.from({ length: 24 }, (_, at) => `row ${at}`);
    await terminal.draw(rows);
    terminal.written();
    await terminal.draw([...rows]);
    assert.equal(terminal.written(), "");
    await terminal.draw(rows.with(7, "\x1b[31mseven\x1b[39m"));
    const change = terminal.written();
    assert.match(change, /\x1b\[31mseven/);
    assert.doesNotMatch(change, /row 12/);
    await terminal.screen.close();
  });

  it("draws nothing while the terminal takes nothing", async () => {
    const terminal = open();
    await terminal.draw(["one"]);
    terminal.stall(true);
    await terminal.draw(["two"]);
    assert.equal(terminal.screen.draw(["three"]), false);
    terminal.stall(false);
    await sleep(0);
    assert.equal(terminal.screen.draw(["three"]), true);
    await terminal.screen.close();
  });

  it("hears keys, several at once too", async () => {
    const terminal = open();
    await terminal.draw(["one"]);
    await terminal.type("p");
    await terminal.type("\x1b[A\x1b[B\t\x1b[Z\r");
    await terminal.type("i0.5\r");
    await terminal.type("\x1b");
    await terminal.type("\x1a\x03");
    assert.deepEqual(terminal.keys, [
      { character: "p" },
      "up",
      "down",
      "tab",
      "back-tab",
      "enter",
      { character: "i" },
      { character: "0" },
      { character: "." },
      { character: "5" },
      "enter",
      "escape",
      "suspend",
      "interrupt",
    ]);
    await terminal.screen.close();
  });

  it("gives the terminal back for a while, and draws all of it again", async () => {
    const terminal = open();
    await terminal.draw(["one", "two"]);
    terminal.written();
    const resume = await terminal.screen.suspend();
    const away = terminal.written();
    assert.ok(away.includes(LEAVE) && away.includes(SHOW));
    assert.ok(!terminal.isRaw);
    await resume();
    const back = terminal.written();
    assert.ok(back.includes(ENTER) && back.includes(HIDE));
    assert.match(back, /one.*two/s);
    assert.ok(terminal.isRaw);
    await terminal.screen.close();
  });

  it("leaves standard input alone where that is no terminal", async () => {
    const terminal = open(80, 24, false);
    await terminal.draw(["one"]);
    assert.ok(!terminal.isRaw);
    assert.deepEqual(terminal.screen.size, { columns: 80, rows: 24 });
    await terminal.screen.close();
  });
});
