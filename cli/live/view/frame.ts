import type { ScreenState, TargetState } from "../state.ts";

/** Columns and rows of the terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What every part of the screen is drawn from. */
export interface Frame {
  readonly state: ScreenState;
  /** Of the tab that is shown. */
  readonly target: TargetState;
  readonly size: Size;
}
