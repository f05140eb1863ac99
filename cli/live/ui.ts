/** How the screen looks at what was measured: changed by keys alone. */
export interface Ui {
  /** Which target, from 0. */
  readonly tab: number;
  /** The hop that the panes are about; undefined: the first shown. */
  readonly chosen: number | undefined;
  readonly display: Display;
  readonly pane: Pane;
  /** Hops all of whose responders are listed. */
  readonly expanded: "all" | ReadonlySet<number>;
  readonly columns: ColumnSet;
  readonly hasNames: boolean;
  /** Names and addresses. */
  readonly hasBoth: boolean;
  readonly origin: OriginView;
  readonly hasMpls: boolean;
  /** The screen stands still; the measuring goes on. */
  readonly isPaused: boolean;
  readonly isHelp: boolean;
  readonly prompt: OpenPrompt | undefined;
  /** Of the latest key, until the next one. */
  readonly message: string | undefined;
}

/** `table`: numbers and a short history; `history`: a long one; `levels`: the same in digits. */
type Display = (typeof DISPLAYS)[number];
export const DISPLAYS = ["table", "history", "levels"] as const;

export type Pane = (typeof PANES)[number];
export const PANES = ["none", "detail", "chart", "histogram"] as const;

/** What is shown of networks: none, then mtr's `-y` in its order, and the holder, whom databases know. */
type OriginView = (typeof ORIGIN_VIEWS)[number];
export const ORIGIN_VIEWS = ["off", "number", "prefix", "country", "registry", "allocated", "holder"] as const;

/** Which numbers: as many of the latency's as there is room for, the jitter's, or those of mtr's `o`. */
export type ColumnSet = "latency" | "jitter" | { readonly order: string };

/** A question, and what was typed so far. */
export interface OpenPrompt {
  /** The key that opened it. */
  readonly key: string;
  readonly question: string;
  readonly text: string;
}

export const FIRST_UI: Ui = {
  tab: 0,
  chosen: undefined,
  display: "table",
  pane: "none",
  expanded: new Set(),
  columns: "latency",
  hasNames: true,
  hasBoth: false,
  origin: "off",
  hasMpls: true,
  isPaused: false,
  isHelp: false,
  prompt: undefined,
  message: undefined,
};
