import { type Instance, render, useApp, useInput } from "ink";
import { createElement } from "react";

import { createFrameWriter } from "./frame-writer.ts";
import type { Key } from "./keys.ts";
import { keysOf } from "./keystrokes.ts";
import type { Size } from "./view/frame.ts";

/** The terminal: lines in, keys out. Its modes, its keys and its two screens are ink's business, the frames are our own. */
export interface Screen {
  readonly size: Size;
  /** False: the terminal has not taken what was drawn before; nothing was drawn. */
  draw(lines: readonly string[]): boolean;
  /** Draws all of it again, whatever is there. */
  redraw(): Promise<void>;
  /** Gives the terminal back as it was; the result takes it again. */
  suspend(): Promise<() => Promise<void>>;
  /** Gives the terminal back for good. */
  close(): Promise<void>;
  /** Rejects where drawing itself fails. */
  readonly closed: Promise<void>;
}

export interface ScreenOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly hasKeys: boolean;
  readonly onKey: (key: Key) => void;
  readonly onResize: () => void;
}

type App = ReturnType<typeof useApp>;

interface PageProps {
  readonly hasKeys: boolean;
  readonly onKey: (key: Key) => void;
  readonly onApp: (app: App) => void;
}

/** Nothing is in it: a frame by ink costs the layout and the cells of a whole screen, whatever has changed. */
function Page({ hasKeys, onKey, onApp }: PageProps): null {
  onApp(useApp());
  useInput(
    (input, key) => {
      for (const each of keysOf(input, key)) onKey(each);
    },
    { isActive: hasKeys },
  );
  return null;
}

/** Of a terminal that does not say. */
const USUAL: Size = { columns: 80, rows: 24 };

export function openScreen({ stdin, stdout, hasKeys, onKey, onResize }: ScreenOptions): Screen {
  let app: App | undefined;
  let shown: readonly string[] = [];
  /** It is not ours now, or not any more. */
  let isAway = false;
  let isClosed = false;
  const writer = createFrameWriter();
  const page = createElement(Page, {
    hasKeys,
    onKey,
    onApp(opened) {
      app = opened;
    },
  });
  const ink: Instance = render(page, {
    stdin,
    stdout,
    // A CI variable in the environment says nothing about this terminal.
    interactive: true,
    alternateScreen: true,
    exitOnCtrlC: false,
    patchConsole: false,
    isScreenReaderEnabled: false,
  });
  const write = (lines: readonly string[]): void => {
    shown = lines;
    const text = writer.next(lines);
    if (text !== "") stdout.write(text);
  };
  // Behind ink's own listener, which clears what it takes for its own.
  const resized = (): void => {
    writer.forget();
    onResize();
  };
  stdout.on("resize", resized);
  const suspend = async (): Promise<() => Promise<void>> => {
    isAway = true;
    const suspension = await app?.suspendTerminal();
    return async () => {
      await suspension?.resume();
      isAway = isClosed;
      writer.forget();
      if (!isAway) write(shown);
    };
  };
  return {
    get size() {
      return { columns: stdout.columns || USUAL.columns, rows: stdout.rows || USUAL.rows };
    },
    draw(lines) {
      if (stdout.writableLength > 0) return false;
      if (isAway) shown = lines;
      else write(lines);
      return true;
    },
    async redraw() {
      const resume = await suspend();
      await resume();
    },
    suspend,
    async close() {
      isAway = isClosed = true;
      stdout.off("resize", resized);
      ink.unmount();
      await ink.waitUntilExit();
    },
    closed: ink.waitUntilExit().then(() => undefined),
  };
}
