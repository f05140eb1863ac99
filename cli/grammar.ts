import type { Command } from "@commander-js/extra-typings";
import type { CommandContext } from "./context.ts";
import {
  AUTO_HELP,
  COMPLETION_HELP,
  DOCTOR_HELP,
  EGRESS_HELP,
  LINK_HELP,
  LIVE_HELP,
  LOCATE_HELP,
  PLUGIN_HELP,
  REPLAY_HELP,
  REPORT_HELP,
  SCAN_HELP,
  TRACE_HELP,
} from "./help.ts";
import type { LoadedPlugin } from "./plugins/load.ts";
import { addPluginOptions, pluginHelp, readPluginOptions } from "./plugins/options.ts";

/** The commands, or `wanted` alone if there is one of that name. They are loaded when they are called; `done` gets their exit status. */
export function defineCommands(program: Command, call: Call, wanted?: string): void {
  const one = wanted === undefined || !Object.hasOwn(COMMANDS, wanted) ? undefined : COMMANDS[wanted];
  for (const define of one === undefined ? Object.values(COMMANDS) : [one]) define(program, call);
}

/** What a command is called with. */
export interface Call {
  readonly context: CommandContext;
  readonly done: (exitCode: number) => void;
  /** Plugins whose options are to be known. */
  readonly loaded: readonly LoadedPlugin[];
}

const COMMANDS: Readonly<Record<string, (program: Command, call: Call) => void>> = {
  auto(program, { context, done, loaded }) {
    const auto = withCommonOptions(program.command("auto").argument("<host>"))
      .option("--order <list>")
      .option("-p, --port <ports>")
      .option("--stagger <ms>")
      .option("--egress")
      .option("--proxy <url>")
      .option("--proxy-tls <mode>")
      .action(async (host, options) => {
        const { runAuto } = await import("./commands/auto.ts");
        done(await runAuto(context, { host, options, pluginValues: readPluginOptions(loaded, options) }));
      });
    addPluginOptions(auto, loaded);
    auto.helpInformation = () => AUTO_HELP + pluginHelp(loaded);
  },
  trace(program, { context, done, loaded }) {
    const trace = withCommonOptions(program.command("trace").argument("<host>"))
      .requiredOption("-P, --protocol <plugin>")
      .action(async (host, options) => {
        const { runTrace } = await import("./commands/trace.ts");
        done(await runTrace(context, { host, options, pluginValues: readPluginOptions(loaded, options) }));
      });
    addPluginOptions(trace, loaded);
    trace.helpInformation = () => TRACE_HELP + pluginHelp(loaded);
  },
  report(program, { context, done, loaded }) {
    const report = withPathOptions(program.command("report").argument("<host>"))
      .option("--format <format>")
      .option("--record <file>")
      .option("-c, --cycles <n>")
      .option("--interval <seconds>")
      .option("-P, --protocol <plugin>")
      .option("--order <list>")
      .option("-p, --port <ports>")
      .option("--stagger <ms>")
      .action(async (host, options) => {
        const { runReport } = await import("./commands/report.ts");
        done(await runReport(context, { host, options, pluginValues: readPluginOptions(loaded, options) }));
      });
    addPluginOptions(report, loaded);
    report.helpInformation = () => REPORT_HELP + pluginHelp(loaded);
  },
  live(program, { context, done, loaded }) {
    const live = withPathOptions(program.command("live").argument("<hosts...>"))
      .option("-c, --cycles <n>")
      .option("--interval <seconds>")
      .option("-P, --protocol <plugin>")
      .option("--order <list>")
      .option("-p, --port <ports>")
      .option("--stagger <ms>")
      .option("-o, --columns <letters>")
      .option("-z, --networks")
      .option("--asn-db <file>")
      .option("--thresholds <list>")
      .option("--record <file>")
      .action(async (hosts, options) => {
        const { runLive } = await import("./commands/live.ts");
        done(await runLive(context, { hosts, options, pluginValues: readPluginOptions(loaded, options) }));
      });
    addPluginOptions(live, loaded);
    live.helpInformation = () => LIVE_HELP + pluginHelp(loaded);
  },
  scan(program, { context, done, loaded }) {
    const scan = program
      .command("scan")
      .requiredOption("-f, --file <file>")
      .option("-P, --protocol <plugin>")
      .option("--blocklist <file>")
      .option("--resume <file>")
      .option("--seed <n>")
      .option("--pps <n>")
      .option("--prefix-pps <n>")
      .option("--hop-pps <n>")
      .option("--no-stop-set")
      .option("-q, --queries <n>")
      .option("-m, --max-hops <n>")
      .option("--max-gap <n>")
      .option("-w, --wait <seconds>")
      .option("-s, --source <address>")
      .option("-i, --interface <name>")
      .option("--sport <port>")
      .option("--size <octets>")
      .option("--tos <n>")
      .option("--backend <name>")
      .option("--plugin <file>")
      .option("--keep-privileges")
      .option("--format <format>")
      .action(async (options) => {
        const { runScan } = await import("./commands/scan.ts");
        done(await runScan(context, { options, pluginValues: readPluginOptions(loaded, options) }));
      });
    addPluginOptions(scan, loaded);
    scan.helpInformation = () => SCAN_HELP + pluginHelp(loaded);
  },
  locate(program, { context, done }) {
    const locate = program
      .command("locate")
      .argument("<host>")
      .option("-4, --ipv4")
      .option("-6, --ipv6")
      .option("-q, --queries <n>")
      .option("-m, --max-hops <n>")
      .option("-w, --wait <seconds>")
      .option("-s, --source <address>")
      .option("-i, --interface <name>")
      .option("-n, --numeric")
      .option("--format <format>")
      .requiredOption("-p, --port <list>")
      .option("--reference <list>")
      .option("--asn-db <file>")
      .option("--keep-privileges")
      .action(async (host, options) => {
        const { runLocate } = await import("./commands/locate.ts");
        done(await runLocate(context, { host, options }));
      });
    locate.helpInformation = () => LOCATE_HELP;
  },
  egress(program, { context, done }) {
    const egress = program
      .command("egress")
      .argument("[host]")
      .option("-4, --ipv4")
      .option("-6, --ipv6")
      .option("--ports <list>")
      .option("--protocols <list>")
      .option("--hop-limit <n>")
      .option("-i, --interface <name>")
      .option("--pps <n>")
      .option("--format <format>")
      .option("--keep-privileges")
      .action(async (host, options) => {
        const { runEgress } = await import("./commands/egress.ts");
        done(await runEgress(context, { host, options }));
      });
    egress.helpInformation = () => EGRESS_HELP;
  },
  doctor(program, { context, done }) {
    const doctor = program
      .command("doctor")
      .option("--plugin <file>")
      .option("--format <format>")
      .action(async (options) => {
        const { runDoctor } = await import("./commands/doctor.ts");
        done(await runDoctor(context, { format: options.format }));
      });
    doctor.helpInformation = () => DOCTOR_HELP;
  },
  replay(program, { context, done }) {
    const replay = program
      .command("replay")
      .argument("<file>")
      .option("--format <format>")
      .option("--speed <factor>")
      .option("--live")
      .action(async (file, options) => {
        const { runReplay } = await import("./commands/replay.ts");
        done(await runReplay(context, { file, options }));
      });
    replay.helpInformation = () => REPLAY_HELP;
  },
  plugin(program, { context, done }) {
    const plugin = program.command("plugin").helpCommand(false);
    const list = plugin.command("list").action(async () => {
      const { runPluginList } = await import("./commands/plugin.ts");
      done(await runPluginList(context));
    });
    const create = plugin
      .command("new")
      .argument("<name>")
      .option("--kind <kind>")
      .action(async (name, options) => {
        const { runPluginNew } = await import("./commands/plugin.ts");
        done(runPluginNew(context, { name, kind: options.kind }));
      });
    const check = plugin
      .command("check")
      .argument("<file>")
      .option("--port <port>")
      .option("--timeout <seconds>")
      .option("--format <format>")
      .action(async (file, options) => {
        const { runPluginCheck } = await import("./commands/plugin-check.ts");
        done(await runPluginCheck(context, { file, ...options }));
      });
    // For the command line itself, before it gives root's rights away.
    const sockets = plugin
      .command("sockets", { hidden: true })
      .argument("<wanted>")
      .action(async (wanted) => {
        const { tellSockets } = await import("./privileges/ask.ts");
        done(await tellSockets(context, wanted));
      });
    // For `check` alone, which runs this program again for it.
    const runCases = plugin
      .command("run-cases", { hidden: true })
      .argument("<request>")
      .action(async (request) => {
        const { runCases: run } = await import("./plugins/check/child.ts");
        done(await run(context, request));
      });
    for (const each of [plugin, list, create, check, runCases, sockets]) each.helpInformation = () => PLUGIN_HELP;
  },
  link(program, { context, done }) {
    const link = program.command("link").argument("<directory>");
    link.action(async (directory) => {
      const { runLink } = await import("./commands/link.ts");
      done(runLink(context, directory));
    });
    link.helpInformation = () => LINK_HELP;
  },
  completion(program, { context, done, loaded }) {
    const completion = program
      .command("completion")
      .argument("[shell]")
      .argument("[words...]")
      .action(async (what, words) => {
        const { runCompletion } = await import("./commands/completion.ts");
        const { createProgram } = await import("./program.ts");
        const all = createProgram({ context, done, loaded });
        done(await runCompletion(context, all, what === undefined ? [] : [what, ...words]));
      });
    completion.helpInformation = () => COMPLETION_HELP;
  },
};

function withCommonOptions<Args extends unknown[]>(command: Command<Args>) {
  return withPathOptions(command)
    .option("--format <format>")
    .option("-q, --queries <n>")
    .option("--window <n>")
    .option("--pps <n>")
    .option("--record <file>");
}

/** What makes sense for one look at a path as for many. */
function withPathOptions<Args extends unknown[]>(command: Command<Args>) {
  return command
    .option("-4, --ipv4")
    .option("-6, --ipv6")
    .option("-f, --first <n>")
    .option("-m, --max-hops <n>")
    .option("-w, --wait <seconds>")
    .option("--max-gap <n>")
    .option("-n, --numeric")
    .option("-b, --both")
    .option("-s, --source <address>")
    .option("-i, --interface <name>")
    .option("--sport <port>")
    .option("--flow <mode>")
    .option("--size <octets>")
    .option("--tos <n>")
    .option("--mark <n>")
    .option("--df <mode>")
    .option("--backend <name>")
    .option("--plugin <file>")
    .option("--keep-privileges");
}
