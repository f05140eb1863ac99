import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { UsageError } from "../../core/mod.ts";
import { answers } from "../completion/answer.ts";
import { SCRIPTS, SHELLS, type Shell } from "../completion/scripts.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { echo } from "../host.ts";
import { printable } from "../printable.ts";

/** `nettrace completion SHELL` prints what the shell reads; `completion answer SHELL -- WORDS` is what that then calls. */
export async function runCompletion(
  context: CommandContext,
  program: CommandUnknownOpts,
  [what, ...rest]: readonly string[],
): Promise<number> {
  if (what === undefined) throw new UsageError(`Cannot complete: no shell is named; there are ${SHELLS.join(", ")}`);
  if (what === "answer") {
    const [shell = "", ...words] = rest;
    const lines = await answers(program, shell === "bash" ? rejoined(words) : words, context);
    for (const [word, text] of lines) {
      const line = word.startsWith(":") ? word : `${asAsked(shell, word, words)}\t${printable(text)}`;
      context.stdout.write(`${line}\n`);
    }
    return EXIT.reached;
  }
  if (!isShell(what) || rest.length > 0) {
    throw new UsageError(
      `Cannot complete for ${echo([what, ...rest].join(" ")) || '""'}: the shells are ${SHELLS.join(", ")}`,
    );
  }
  context.stdout.write(SCRIPTS[what]);
  return EXIT.reached;
}

const isShell = (text: string): text is Shell => SHELLS.some((shell) => shell === text);

/** bash hands over `=` and `:` as words of their own. */
function rejoined(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const [index, word] of words.entries()) {
    const isSeparator = (each: string | undefined): boolean => each === "=" || each === ":";
    if (index > 0 && (isSeparator(word) || isSeparator(words[index - 1]))) joined.push(`${joined.pop() ?? ""}${word}`);
    else joined.push(word);
  }
  return joined;
}

/** bash puts the answer in the place of the last word alone, as it sees words. */
function asAsked(shell: string, word: string, words: readonly string[]): string {
  if (shell !== "bash") return word;
  const isInside = words.slice(-2).some((each) => each === "=" || each === ":");
  return isInside ? word.slice(word.search(/[=:][^=:]*$/) + 1) : word;
}
