/** What `--format` takes, on every command that prints a run. */
export const OUTPUT_FORMATS = [
  "text",
  "json",
  "jsonl",
  "csv",
  "markdown",
  "mtr-json",
  "atlas",
  "scamper-json",
  "dot",
  "mermaid",
] as const;

export type OutputFormat = (typeof OUTPUT_FORMATS)[number];
