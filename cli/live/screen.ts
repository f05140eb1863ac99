import { Box, type Instance, render, Text, useApp, useInput } from "ink";
import { createElement, memo, type ReactElement } from "react";
import type { Key } from "./keys.ts";
import { keysOf } from "./keystrokes.ts";
import type { Size } from "./view/frame.ts";

/** The terminal as ink draws on it: lines in, keys out. */
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
  readonly lines: readonly string[];
  readonly hasKeys: boolean;
  readonly onKey: (key: Key) => void;
  readonly onApp: (app: App) => void;
}

const Row = memo(function Row({ text }: { readonly text: string }): ReactElement {
  return createElement(Text, { wrap: "truncate-end" }, text);
});

/** Neighbouring rows without a text are one box: ink takes its time for each. */
function elementsOf(lines: readonly string[]): ReactElement[] {
  const elements: ReactElement[] = [];
  for (let at = 0; at < lines.length; ) {
    const end = lines.findIndex((text, index) => index >= at && text !== "");
    const blank = (end < 0 ? lines.length : end) - at;
    if (blank > 0) elements.push(createElement(Box, { height: blank }));
    at += blank;
    const text = lines[at];
    if (text !== undefined) elements.push(createElement(Row, { text }));
    at += 1;
  }
  return elements;
}

function Page({ lines, hasKeys, onKey, onApp }: PageProps): ReactElement {
  onApp(useApp());
  useInput(
    (input, key) => {
      for (const each of keysOf(input, key)) onKey(each);
    },
    { isActive: hasKeys },
  );
  return createElement(
    Box,
    { flexDirection: "column", height: lines.length },
    // A row is known by where it stands.
    ...elementsOf(lines),
  );
}

/** Of a terminal that does not say. */
const USUAL: Size = { columns: 80, rows: 24 };

export function openScreen({ stdin, stdout, hasKeys, onKey, onResize }: ScreenOptions): Screen {
  let app: App | undefined;
  let shown: readonly string[] = [];
  const page = (lines: readonly string[]): ReactElement =>
    createElement(Page, {
      lines,
      hasKeys,
      onKey,
      onApp(opened) {
        app = opened;
      },
    });
  const ink: Instance = render(page([]), {
    stdin,
    stdout,
    // The pacer decides when to draw; ink must not put it off.
    maxFps: 1000,
    // A CI variable in the environment says nothing about this terminal.
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    patchConsole: false,
    isScreenReaderEnabled: false,
  });
  stdout.on("resize", onResize);
  const suspend = async (): Promise<() => Promise<void>> => {
    const suspension = await app?.suspendTerminal();
    return async () => suspension?.resume();
  };
  return {
    get size() {
      return { columns: stdout.columns || USUAL.columns, rows: stdout.rows || USUAL.rows };
    },
    draw(lines) {
      if (stdout.writableLength > 0) return false;
      if (lines.length !== shown.length || lines.some((line, at) => line !== shown[at])) {
        shown = lines;
        ink.rerender(page(lines));
      }
      return true;
    },
    async redraw() {
      const resume = await suspend();
      await resume();
    },
    suspend,
    async close() {
      stdout.off("resize", onResize);
      ink.unmount();
      await ink.waitUntilExit();
    },
    closed: ink.waitUntilExit().then(() => undefined),
  };
}
