/** The man page, from the help screens: what they tell is told once. */

import type { CommandContext } from "../cli/context.ts";
import { MAIN_HELP } from "../cli/help.ts";
import { type OptionHelp, optionsOf } from "../cli/help-options.ts";
import { createProgram } from "../cli/program.ts";

/** Of one version and day, in man(7). */
export function manPage(version: string, date: Date): string {
  const day = date.toISOString().slice(0, 10);
  const commands = shapes().map((shape) => ({ ...shape, options: optionsOf(shape.help) }));
  const [auto] = commands;
  const common = new Set(
    (auto?.options ?? [])
      .filter(({ long }) => commands[1]?.options.some((each) => each.long === long))
      .map(({ long }) => long),
  );
  return [
    `.TH NETTRACE 1 "${day}" "nettrace ${version}" "User Commands"`,
    ".SH NAME",
    "nettrace \\- show the network path, even from a host that lets little out",
    ".SH SYNOPSIS",
    ...commands
      .flatMap(({ help }) => usageOf(help))
      .flatMap(synopsis)
      .slice(0, -1),
    ".SH DESCRIPTION",
    ...paragraphs(DESCRIPTION),
    ".SH COMMANDS",
    ...commands.flatMap((command) => commandSection(command, common)),
    ".SH OPTIONS OF AUTO AND TRACE",
    ...(auto?.options ?? []).filter(({ long }) => common.has(long)).flatMap(optionEntry),
    ".SH EXIT STATUS",
    ...exitStatus().flatMap(([code, text]) => [".TP", `.B ${code}`, roff(text)]),
    ...OTHER_SECTIONS,
    ".SH EXAMPLES",
    ".EX",
    ...commands.flatMap(({ help }) => examplesOf(help)).map(roff),
    ".EE",
    ".SH SEE ALSO",
    ".BR traceroute (8),",
    ".BR mtr (8),",
    ".BR ping (8),",
    ".BR icmp (7),",
    ".BR capabilities (7)",
    "",
  ].join("\n");
}

const DESCRIPTION = [
  "nettrace tries icmp, udp, tcp-syn and tcp-connect, moves on at once where this host refuses a send, overtakes a protocol " +
    "that goes silent in the path, and prints the path with an account of what it tried and who refused what. It needs " +
    "no privilege: udp and tcp-connect are traced through the kernel's error queue, icmp through a ping socket where " +
    "net.ipv4.ping_group_range allows. Raw sockets, and with them tcp-syn, need root.",
];

const OTHER_SECTIONS = [
  ".SH ENVIRONMENT",
  ".TP",
  ".B NO_COLOR",
  "No colors, if it is set and not empty.",
  ".TP",
  ".B XDG_CONFIG_HOME",
  "Where plugins are looked for by their names, instead of ~/.config.",
  ".SH FILES",
  ".TP",
  ".I ~/.config/nettrace/plugins",
  "Protocols of your own. A file that others could have written is refused.",
  ".SH SECURITY",
  "Do not give the executable file capabilities or the set-user-ID bit:",
  "a plugin is a program, and would run with them.",
];

interface Shape {
  readonly name: string;
  readonly help: string;
}

/** Of the commands in their order; none of them is run. */
function shapes(): readonly Shape[] {
  const silent = { write: () => {}, isTerminal: false, columns: undefined };
  const never = (): never => {
    throw new Error("Cannot run a command for the man page");
  };
  const context: CommandContext = {
    stdout: silent,
    stderr: silent,
    env: {},
    protocols: never,
    openNetwork: never,
    now: never,
    onInterrupt: never,
  };
  const program = createProgram({ context, done: never, loaded: [] });
  return program.commands.map((command) => ({ name: command.name(), help: command.helpInformation() }));
}

function commandSection({ name, help, options }: Shape & { options: readonly OptionHelp[] }, common: Set<string>) {
  const isShared = (long: string): boolean => common.has(long) && (name === "auto" || name === "trace");
  const own = options.filter(({ long }) => !isShared(long) && long !== "--help");
  const text = help.split("\n\n")[1] ?? "";
  const verbatim = bodyOf(help);
  return [
    `.SS ${roff(name)}`,
    ...paragraphs([text.replace(/\n/g, " ")]),
    ...(verbatim.length === 0 ? [] : [".PP", ".EX", ...verbatim.map(roff), ".EE"]),
    ...own.flatMap(optionEntry),
  ];
}

/** What a help screen says below its first paragraph and is neither an option nor an example. */
function bodyOf(help: string): readonly string[] {
  return (help.split("\n\n")[2] ?? "")
    .split("\n")
    .filter((line) => !/^ +-|^$/.test(line) && !/^ {2,}(nettrace|\.) /.test(line) && !/^ {26}/.test(line));
}

function usageOf(help: string): readonly string[] {
  const [first = ""] = help.split("\n\n");
  return first.split("\n").map((line) => line.replace(/^Usage:/, "").trim());
}

function synopsis(usage: string): readonly string[] {
  const [program = "", ...words] = usage.split(" ");
  return [`.B ${program}`, roff(words.join(" ")), ".br"];
}

function examplesOf(help: string): readonly string[] {
  return help
    .split("\n")
    .filter((line) => /^ {2}(nettrace|\.) /.test(line))
    .map((line) => line.trim());
}

/** "0 reached; 1 not reached; …" of the main screen. */
function exitStatus(): readonly (readonly [code: string, text: string])[] {
  const [, list = ""] = /Exit status: ([\s\S]+?)\.\n/.exec(MAIN_HELP) ?? [];
  return list.split(/;\s+/).map((each) => {
    const [, code = "", text = ""] = /^(\d+) ([\s\S]+)$/.exec(each) ?? [];
    return [code, text.replace(/\s+/g, " ")];
  });
}

function optionEntry({ short, long, value, text }: OptionHelp): readonly string[] {
  const names = [short, long === short ? undefined : long].filter((name) => name !== undefined);
  const shown = names.map((name) => `\\fB${roff(name)}\\fR`).join(", ");
  const said = text === "" && long === "--help" ? "show the help screen of the command" : text;
  return [".TP", `${shown}${value === undefined ? "" : ` \\fI${roff(value)}\\fR`}`, roff(said)];
}

function paragraphs(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text, index) => [...(index === 0 ? [] : [".PP"]), ...sentences(text)]);
}

/** Each on lines of its own, as troff wants them. */
function sentences(text: string): readonly string[] {
  return text
    .split(/(?<=[.:]) (?=[A-Z])/)
    .flatMap((sentence) => (sentence.match(/.{1,68}\S*(?: |$)/g) ?? []).map((line) => roff(line.trim())));
}

/** Dashes that can be copied, and nothing that troff would read as its own. */
function roff(text: string): string {
  return text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/~/g, "\\(ti")
    .replace(/\^/g, "\\(ha")
    .replace(/^([.'])/, "\\&$1");
}
