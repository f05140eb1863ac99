import type { User } from "../executable.ts";
import type { SCENARIOS } from "../scenarios.ts";

/**
 * Command lines that the real ping and ours are both given, on the same host. `T4`, `T6` and `TN` stand for the target's
 * addresses and name, `N4` and `N6` for neighbours that do not exist.
 */
export interface PingLine {
  readonly scenario: keyof typeof SCENARIOS;
  readonly args: string;
  /** Default root. */
  readonly user?: User;
  /** Whether everybody may open ping sockets; default not. */
  readonly pingGroups?: "all";
  readonly differs?: WantedDifference;
}

/** What ours says in place of what the real one says; parts that are not named are the same. */
interface WantedDifference {
  readonly because: string;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

const on =
  (scenario: PingLine["scenario"], more: Omit<Partial<PingLine>, "scenario" | "args" | "differs"> = {}) =>
  (args: string, differs?: WantedDifference): PingLine => ({ scenario, args, ...more, ...(differs && { differs }) });

const plain = on("plain");
const silent = on("silentTarget");
const narrow = on("narrow");
const nobody = on("plain", { user: "nobody" });
const member = on("plain", { user: "nobody", pingGroups: "all" });
const restricted = on("restricted");

const EPERM_IS_TOLD: WantedDifference = {
  because: "Debian's ping hides the refusal of a send; ours tells it, and what to do",
  stderr:
    /^(ping: sendmsg: Operation not permitted\n)+nettrace: an OUTPUT rule refuses ICMP; try: nettrace auto \S+\n$/,
};
const HINT_AFTER = (words: RegExp, because = "what refused, and the command that works here, is one line more") => ({
  because,
  stderr: words,
});

export const PING_LINES: readonly PingLine[] = [
  plain("-c 3 -i 0.2 -W 1 T4"),
  plain("-c 2 -i 0.2 T6"),
  plain("-c 2 -i 0.2 TN"),
  plain("-4 -c 1 TN", {
    because: "with -4 the real one loses the name of its host",
    stdout: /^PING TN \(T4\) 56\(84\) bytes of data\.\n64 bytes from TN \(T4\): [^\n]+\n\n--- TN ping statistics ---\n/,
  }),
  plain("TN -6 -nc1"),
  plain("-q -c 2 -i 0.2 TN"),
  plain("-D -c 2 -i 0.2 T4"),
  plain("-c 2 -i 0.2 -t 1 T4"),
  plain("-c 2 -i 0.2 -t 2 TN"),
  plain("-t 2 -c 1 T6"),
  plain("-f -c 100 T4"),
  plain("-A -c 5 T4"),
  plain("-A -q -c 5 TN"),
  plain("-l 3 -c 3 T4"),
  plain("-a -c 1 T4"),
  plain("-s 0 -c 1 T4"),
  plain("-s 15 -c 1 T6"),
  plain("-s 16 -c 1 T4"),
  plain("-s 65507 -c 1 T4"),
  plain("-p ff00 -c 1 T4"),
  plain("-Q 0x2e -m 7 -c 1 T4"),
  plain("-I eth1 -c 1 T4"),
  plain("-I 198.18.1.254 -c 1 T4"),
  plain("-I eth1 -c 1 T6"),
  plain("-B -c 1 T4"),
  plain("-w 5 -c 2 -i 0.2 T4"),
  plain("-c 1 127.0.0.1"),
  plain("-c 1 0"),
  plain("-c 1 ::1"),
  plain("-c 1 -W 4 N4"),
  plain("-c 1 -W 4 N6"),
  plain("-c 1 v6only.lab.example"),
  plain("-4 -c 1 v6only.lab.example"),
  plain("-c 1 nosuch.lab.example"),
  plain("-c 0 T4"),
  plain("-c x T4"),
  plain("-W -1 T4"),
  plain("-M perhaps T4"),
  plain("-t 256 T4"),
  plain("-t 0 -c 1 T4"),
  plain("-Q 256 T4"),
  plain("-p xyz T4"),
  plain("-4 -6 T4"),
  plain("-4 -c 1 T6"),
  plain("-I nosuch -c 1 T4"),
  plain("-I nosuch -c 1 T6"),
  plain("-I 192.0.2.77 -c 1 T4"),
  plain("-c 1 255.255.255.255"),
  plain("-Z T4", {
    because: "the list of all options is not repeated at each mistake: -h shows it",
    stderr: /^ping: invalid option -- 'Z'\n$/,
  }),
  plain("-c 1 -v T4", {
    because: "of sockets it knows the plugin's mode, and no descriptors; the identifier is the plugin's own",
    stdout:
      /^ai->ai_family: AF_INET, ai->ai_canonname: '[\d.]+'\nPING [^\n]+\n64 bytes from [\d.]+: icmp_seq=1 ttl=61 time=#\n/,
    stderr: /^ping: icmp: raw\n$/,
  }),

  silent("-c 3 -i 0.2 -W 0.5 T4"),
  silent("-O -c 3 -i 0.2 -W 0.3 T4"),
  silent("-O -q -c 2 -i 0.2 -W 0.3 T6"),
  silent("-f -c 5 -W 0.3 T4"),
  silent("-w 1 -c 1 T4"),

  narrow("-M do -s 1372 -c 2 -i 0.2 T4"),
  narrow("-M do -s 1472 -c 3 -i 0.2 -W 1 T4"),
  narrow("-M do -s 2000 -c 2 -i 0.2 -W 1 T4"),
  narrow("-M do -s 2000 -c 2 -i 0.2 -W 1 T6"),
  narrow("-M want -s 2000 -c 1 T4"),
  narrow("-M dont -s 1472 -c 2 -i 0.2 T4"),
  narrow("-s 1452 -c 1 -W 1 T6"),
  narrow("-q -M do -s 2000 -c 2 -i 0.2 -W 0.3 T4", {
    because: "with -q the real one forgets to count the errors that it does not print",
    stdout: /\n2 packets transmitted, 0 received, \+2 errors, 100% packet loss, time #\n\n$/,
  }),

  on("unreachableTarget")("-c 2 -i 0.2 T4"),
  on("unreachableTarget")("-c 1 TN"),
  on("unreachableTarget")("-w 3 T4"),
  on("unreachableTarget")("-f -c 3 T4"),
  on("prohibitedTarget")("-c 2 -i 0.2 T4"),
  on("prohibitedTarget")("-c 1 T6"),
  on("missingTarget")("-c 1 T4"),
  on("missingTarget")("-c 1 T6"),
  on("loop")("-c 1 T4"),

  restricted("-c 2 -i 0.2 -W 0.3 T4", EPERM_IS_TOLD),
  restricted("-c 1 -W 0.3 T6", EPERM_IS_TOLD),
  restricted("-O -c 2 -i 0.2 -W 0.3 T4", EPERM_IS_TOLD),
  restricted("-c 1 -W 0.3 TN", EPERM_IS_TOLD),
  on("reject")("-c 2 -i 0.2 -W 0.3 T4", {
    because: "a REJECT rule of this host answers in its own name: no hop, and no answer to a probe that never left",
    stdout:
      /^PING [^\n]+\n\n--- [\d.]+ ping statistics ---\n2 packets transmitted, 0 received, 100% packet loss, time #\n\n$/,
    stderr: EPERM_IS_TOLD.stderr ?? /^/,
  }),
  on("missingRoute")(
    "-c 1 T4",
    HINT_AFTER(/^ping: connect: Network is unreachable\nnettrace: .*; try: ip route get T4\n$/),
  ),
  on("prohibitRoute")(
    "-c 1 T6",
    HINT_AFTER(/^ping: connect: Permission denied\nnettrace: a prohibit route .*auto T6\n$/),
  ),
  on("prohibitRoute")(
    "-c 1 T4",
    HINT_AFTER(/^ping: Do you want to ping broadcast\? .*\nnettrace: a prohibit route .*\n$/),
  ),
  on("blackholeRoute")("-c 1 T4", HINT_AFTER(/^ping: connect: Invalid argument\nnettrace: a blackhole route .*\n$/)),

  nobody(
    "-c 1 T4",
    HINT_AFTER(
      /^ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing [^\n]+\nnettrace: ICMP needs root [^\n]+; try: nettrace auto T4\n$/,
    ),
  ),
  nobody("-c 1 nosuch.lab.example", {
    because: "the name is looked up before a socket is opened, so that both mistakes are not told as one",
    stderr: /^ping: nosuch\.lab\.example: Name or service not known\n$/,
  }),
  member("-c 2 -i 0.2 T4"),
  member("-c 1 T6"),
  member("-c 1 TN"),
  member("-t 2 -c 1 TN"),
  member("-s 0 -c 1 T4"),
  member("-A -c 3 T4"),
  member("-I eth1 -c 1 T4"),
  member("-c 1 -W 4 N4"),
  on("restricted", { user: "nobody", pingGroups: "all" })("-c 2 -i 0.2 -W 0.3 T4", EPERM_IS_TOLD),
  on("restricted", { user: "nobody", pingGroups: "all" })("-c 1 -W 0.3 T6", {
    because: "IPv6's ping sockets report success whatever became of the packet: the kernel's counter tells",
    stderr: /^ping: sendmsg: Operation not permitted\nnettrace: an OUTPUT rule drops ICMP; try: nettrace auto T6\n$/,
  }),
];

/** Those that are about the rights of a user who is not root, which a user namespace of one user does not have. */
export const PING_LINES_OF_USERS: readonly PingLine[] = [
  member("-f -c 1 T4"),
  member("-i 0.001 -c 1 T4"),
  member("-l 4 T4"),
  member("-m 3 -c 1 T4", {
    because: "one warning is enough: the real one prints it for each of its sockets",
    stderr: /^ping: WARNING: failed to set mark: 3: Operation not permitted\n$/,
  }),
];
