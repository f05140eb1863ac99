/** What can be imported from the npm package. */
export interface Door {
  /** As package.json's `exports` has it: "." is `nettrace` itself. */
  readonly path: string;
  /** Of its file in the package, without an ending. */
  readonly name: string;
  readonly source: string;
}

export const DOORS: readonly Door[] = [
  { path: ".", name: "mod", source: "core/mod.ts" },
  { path: "./plugins", name: "plugins", source: "plugins/mod.ts" },
  { path: "./testing", name: "testing", source: "core/testing.ts" },
];
