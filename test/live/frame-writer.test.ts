import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFrameWriter } from "../../cli/live/frame-writer.ts";

/** What stands on a terminal of so many rows after it took these bytes; knows no more than the writer uses. */
function shownBy(rows: string[], bytes: string): string[] {
  let at = 0;
  let rest = bytes;
  while (rest !== "") {
    const [whole = "", row, , text = ""] =
      /^(?:\x1b\[(?:(\d+);1)?(H)|\x1b\[[?\d]*[A-Za-z]|([^\x1b]+))/.exec(rest) ?? [];
    assert.notEqual(whole, "", JSON.stringify(rest));
    if (whole.endsWith("H")) at = Number(row ?? 1) - 1;
    else if (whole === "\x1b[2J") rows.fill("");
    else if (whole === "\x1b[K") rows[at] = "";
    else if (text !== "") rows[at] = (rows[at] ?? "") + text;
    rest = rest.slice(whole.length);
  }
  return rows;
}

describe("what writes frames", () => {
  it("begins on a cleared screen, and writes rows that have changed", () => {
    const writer = createFrameWriter();
    const rows = ["left", "over", "from", "before"];
    const first = writer.next(["one", "", "three"]);
    assert.ok(first.includes("\x1b[2J"));
    assert.deepEqual(shownBy(rows, first), ["one", "", "three", ""]);
    const second = writer.next(["one", "two", "drei"]);
    assert.ok(!second.includes("one") && !second.includes("\x1b[2J"));
    assert.deepEqual(shownBy(rows, second), ["one", "two", "drei", ""]);
  });

  it("clears rows that are gone, and writes nothing where nothing has changed", () => {
    const writer = createFrameWriter();
    const rows = ["", "", ""];
    shownBy(rows, writer.next(["one", "two", "three"]));
    assert.deepEqual(shownBy(rows, writer.next(["one"])), ["one", "", ""]);
    assert.equal(writer.next(["one"]), "");
    assert.equal(writer.next(["one", ""]), "");
  });

  it("writes all of it again once it was told to forget", () => {
    const writer = createFrameWriter();
    writer.next(["one", "two"]);
    writer.forget();
    assert.deepEqual(shownBy(["what", "else", "there"], writer.next(["one", "two"])), ["one", "two", ""]);
  });

  it("has a frame shown as a whole, and the terminal wrap lines as before behind it", () => {
    const text = createFrameWriter().next(["one"]);
    assert.ok(text.startsWith("\x1b[?2026h\x1b[?7l"));
    assert.ok(text.endsWith("\x1b[?7h\x1b[?2026l"));
  });

  it("clears a row before it writes it: behind its last column only that column is left to clear", () => {
    const writer = createFrameWriter();
    writer.next(["full"]);
    assert.ok(writer.next(["FULL"]).includes("\x1b[1;1H\x1b[KFULL"));
  });
});
