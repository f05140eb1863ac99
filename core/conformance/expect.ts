// The reason is all that a report shows of a failure: one sentence about what the plugin did, without a diff.

export function fail(reason: string): never {
  throw new Error(reason);
}

export function expectThat(holds: boolean, reason: string): asserts holds {
  if (!holds) fail(reason);
}

/** What was thrown, as one line. */
export function reasonOf(error: unknown): string {
  // Of a PluginError the case need not repeat that it cannot go on.
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^Cannot go on: the plugin /, "it ").replace(/\s*[\r\n]+\s*/g, " ");
}
