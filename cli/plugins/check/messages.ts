/** What the process that checks a plugin is asked to do. */
export interface CheckRequest {
  readonly file: string;
  readonly port?: number;
  /** False: nothing of the plugin runs before its first case, since it did not return the last time. */
  readonly survey: boolean;
  /** The file was named on stderr before. */
  readonly quiet: boolean;
  /** Which runs of the plan; absent: all. */
  readonly todo?: readonly number[];
}

/** One case on one arrangement, as planned. */
export interface PlannedRun {
  readonly name: string;
  readonly family: 4 | 6;
  readonly host: string;
  readonly skip: string | false;
}

/** What is known of the plugin before the first case. */
export interface Plan {
  readonly plugin: string;
  readonly file: string;
  readonly port: number;
  readonly runs: readonly PlannedRun[];
}

/** What it tells, one line of JSON each. */
export type CheckMessage =
  /** The file is no plugin, or must not be run. */
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "loaded" }
  | { readonly type: "plan"; readonly plan: Plan }
  | { readonly type: "begin"; readonly run: number }
  /** The plugin's function that is called now; told where it is another than the last one. */
  | { readonly type: "call"; readonly of: string }
  /** `reason` null: passed. */
  | { readonly type: "end"; readonly run: number; readonly reason: string | null }
  /** An error that nobody could catch; the process ends after it. */
  | { readonly type: "escaped"; readonly message: string }
  | { readonly type: "done" };

/** The descriptor that the messages go to: the plugin may print on the others. */
export const MESSAGES_FD = 3;
