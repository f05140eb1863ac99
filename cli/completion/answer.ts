/** What could stand where the cursor is. The shells ask at each press of the tab key: nothing is run or resolved here. */
import { networkInterfaces } from "node:os";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";
import { OUTPUT_FORMATS } from "../formats.ts";
import { type OptionHelp, optionsOf } from "../help-options.ts";
import { listFolder, pluginFolder } from "../plugins/folder.ts";
import { whoAmI } from "../plugins/trust.ts";
import { SHELLS } from "./scripts.ts";

/** A word, with what is said about it; or one of `:files` and `:hosts`, which the shell knows how to complete. */
export type Answer = readonly [word: string, text: string];
const FILES: Answer = [":files", ""];
const HOSTS: Answer = [":hosts", ""];

/** `words`: those behind the program's name up to the cursor; the last of them is being typed, and may be empty. */
export async function answers(
  program: CommandUnknownOpts,
  words: readonly string[],
  context: CommandContext,
): Promise<readonly Answer[]> {
  const typed = words.slice(0, -1);
  const [command, depth] = find(program, typed);
  const help = command.helpInformation();
  const options = optionsOf(help);
  const told = (name: string): OptionHelp => named(options, name) ?? ofUsage(help, name);
  const takesValue = (name: string): boolean =>
    command.options.some(({ long, short, required }) => required && (long === name || short === name));

  const current = words.at(-1) ?? "";
  const [, name, begun] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  if (name !== undefined && begun !== undefined) {
    const values = await valuesOf(told(name), begun, context);
    return values.map(([value, text]) => [value.startsWith(":") ? value : `${name}=${value}`, text]);
  }
  const last = typed.at(-1);
  if (last !== undefined && takesValue(last)) return valuesOf(told(last), current, context);
  if (current.startsWith("-")) return optionWords(command, options).filter(([word]) => word.startsWith(current));
  const operands = operandsOf(typed.slice(depth), takesValue);
  return operandAnswers(program, command, operands.length).filter(
    ([word]) => word.startsWith(":") || word.startsWith(current),
  );
}

function find(
  program: CommandUnknownOpts,
  typed: readonly string[],
): readonly [command: CommandUnknownOpts, depth: number] {
  let command = program;
  for (const [index, word] of typed.entries()) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) return [command, index];
    command = next;
  }
  return [command, typed.length];
}

function operandsOf(words: readonly string[], takesValue: (name: string) => boolean): readonly string[] {
  return words.filter((word, index) => !word.startsWith("-") && !takesValue(words[index - 1] ?? ""));
}

function operandAnswers(program: CommandUnknownOpts, command: CommandUnknownOpts, already: number): readonly Answer[] {
  const commands = command.createHelp().visibleCommands(command);
  if (commands.length > 0) {
    const help = program.helpInformation();
    const said = (each: CommandUnknownOpts): string => (command === program ? saidOf(help, each) : "");
    return already > 0 ? [] : commands.map((each) => [each.name(), said(each)]);
  }
  const argument = command.registeredArguments[already]?.name();
  if (argument === "host") return [HOSTS];
  if (argument === "file") return [FILES];
  return argument === "shell" ? SHELLS.map((shell) => [shell, ""]) : [];
}

/** `  auto HOST      what it does` */
function saidOf(help: string, command: CommandUnknownOpts): string {
  const line = help.split("\n").find((each) => each.startsWith(`  ${command.name()} `)) ?? "";
  return line.trim().split(/\s{2,}/)[1] ?? "";
}

function optionWords(command: CommandUnknownOpts, options: readonly OptionHelp[]): readonly Answer[] {
  const known = command.options.flatMap(({ long, short }) => [long, short]).filter((each) => each !== undefined);
  const all = [...known, ...options.flatMap(({ long, short }) => [long, short ?? long]), "--help"];
  return [...new Set(all)].sort().map((word) => [word, named(options, word)?.text ?? ""]);
}

function named(options: readonly OptionHelp[], name: string): OptionHelp | undefined {
  return options.find(({ long, short }) => long === name || short === name);
}

/** An option that a help screen tells only in its first lines, as in `[--format text|json]`. */
function ofUsage(help: string, long: string): OptionHelp {
  const [, value] = new RegExp(`${long.replace(/[^\w-]/g, "")} ([^\\s\\]]+)\\]`).exec(help) ?? [];
  return { short: undefined, long, value, text: "" };
}

/** From what the help says that an option takes. */
async function valuesOf(option: OptionHelp, begun: string, context: CommandContext): Promise<readonly Answer[]> {
  const value = option.value ?? "";
  const beginning = ([word]: Answer): boolean => word.startsWith(begun);
  if (value === "FILE") return [FILES];
  if (value === "FORMAT") return OUTPUT_FORMATS.map((word): Answer => [word, ""]).filter(beginning);
  if (/^[a-z-]+(\|[a-z-]+)+$/.test(value))
    return value
      .split("|")
      .map((word): Answer => [word, ""])
      .filter(beginning);
  if (value.startsWith("PLUGIN")) return (await protocols(context)).filter(beginning);
  if (option.long === "--order") {
    const before = begun.slice(0, begun.lastIndexOf(",") + 1);
    return (await protocols(context)).map(([word, text]): Answer => [before + word, text]).filter(beginning);
  }
  if (option.long === "--interface") return interfaces().filter(beginning);
  return [];
}

async function protocols(context: CommandContext): Promise<readonly Answer[]> {
  const { plugins } = await context.protocols();
  const own = listFolder(pluginFolder(context.env, whoAmI(context.env)));
  return [
    ...plugins.map(({ name, summary = "" }): Answer => [name, summary]),
    ...own.map(({ name }): Answer => [name, "from your plugin folder"]),
  ];
}

/** Only names that no shell would read anything into. */
function interfaces(): readonly Answer[] {
  const names = Object.keys(networkInterfaces()).filter((name) => /^[\w.@-]+$/.test(name));
  return names.map((name) => [name, ""]);
}
