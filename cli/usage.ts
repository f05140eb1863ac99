import { CommanderError } from "@commander-js/extra-typings";
import { UsageError } from "../core/mod.ts";
import { echo } from "./host.ts";

const COMMANDS = [
  "auto",
  "trace",
  "report",
  "live",
  "scan",
  "locate",
  "egress",
  "doctor",
  "replay",
  "plugin",
  "link",
  "completion",
] as const;

/** What the parser found wrong, in our words; undefined where it only showed a help text. Rethrows anything else. */
export function asUsageError(error: unknown, argv: readonly string[]): UsageError | undefined {
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode === 0) return undefined;
  const [first = ""] = argv;
  const command = COMMANDS.find((each) => each === first);
  const example = /[.:]/.test(first) ? echo(first) : "example.com";
  const help = `see nettrace ${command === undefined ? "" : `${command} `}--help`;
  if (command === "plugin") return pluginUsage(error, argv, help);
  if (command === "link" && error.code === "commander.missingArgument") {
    return new UsageError("Cannot make links: no directory is given, as in nettrace link ~/bin");
  }
  switch (error.code) {
    case "commander.unknownCommand":
      return new UsageError(
        `Cannot run the command ${echo(first) || '""'}: there are auto, trace, report, live, scan, locate, egress, doctor, replay, plugin, link and completion, as in nettrace auto ${example}`,
      );
    case "commander.missingArgument":
      return new UsageError(`Cannot trace: no host is given, as in nettrace ${command ?? "auto"} example.com`);
    case "commander.missingMandatoryOptionValue":
      if (command === "scan") {
        return new UsageError("Cannot scan: no list of targets is given, as in nettrace scan --file targets.txt");
      }
      return new UsageError("Cannot trace: no protocol is given, as in nettrace trace example.com -P icmp");
    case "commander.excessArguments":
      return new UsageError(`Cannot trace to several hosts at once: one HOST is expected; ${help}`);
    case "commander.help":
      return new UsageError(`Cannot run without a command: ${help}`);
    default:
      return new UsageError(`Cannot read the command line: ${detail(error.message)}; ${help}`);
  }
}

function pluginUsage({ code, message }: CommanderError, argv: readonly string[], help: string): UsageError {
  switch (code) {
    case "commander.unknownCommand":
      return new UsageError(`Cannot run plugin ${echo(argv[1] ?? "") || '""'}: there are list, new and check; ${help}`);
    case "commander.help":
      return new UsageError(`Cannot run plugin alone: there are list, new and check; ${help}`);
    case "commander.missingArgument":
      if (argv[1] === "check") {
        return new UsageError("Cannot check a plugin: no file is given, as in nettrace plugin check ./dns.ts");
      }
      return new UsageError("Cannot make a plugin: no name is given, as in nettrace plugin new dns");
    default:
      return new UsageError(`Cannot read the command line: ${detail(message)}; ${help}`);
  }
}

const LONGEST_DETAIL = 160;

/** A parser's message, which has in it what was typed, no longer than a few lines of a terminal. */
function detail(message: string): string {
  const shown = message.replace(/^error: /, "").replace(/\s*[\r\n]+\s*/g, " ");
  // The password of a proxy, behind an option that does not take one.
  const text = shown.replace(/(--?[\w-]+=(?:[a-z0-9]+:\/\/)?).*@/i, "$1...@");
  return text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}...` : text;
}
