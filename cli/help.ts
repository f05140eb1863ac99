import packageJson from "../package.json" with { type: "json" };

/** What `--version` says. */
export const VERSION_LINE = `nettrace ${packageJson.version}`;

/** Written by hand, since it has to fit a screen; a test holds it against the options that exist. */
export const MAIN_HELP = `Usage: nettrace COMMAND HOST [OPTIONS]

Shows the network path to a host, even from one that lets nearly nothing out.

  auto HOST              try icmp, udp, TCP in turn; show the first that arrives
  trace HOST -P PLUGIN   icmp, udp, tcp-syn, tcp-connect, tcp-reach (no hops)
  report | live HOST     loss and times of every hop, once or on a live screen
  scan -f FILE           thousands of targets at once, a row for each
  locate HOST -p PORT    where in the path a port is filtered
  egress [HOST]          what this host lets out, by protocol and port
  doctor                 what this host takes away, and what to do about it
  replay FILE            show a recorded run again, in any format
  plugin list|new|check  protocols of your own
  completion SHELL       for bash, zsh or fish;   link DIR: as these tools:
  traceroute, tcptraceroute, tracert, mtr, ping   with those tools' options

  nettrace auto example.com -p 22              TCP to another port
  nettrace traceroute -T -p 443 example.com    from memory
  nettrace COMMAND --help   its options; nettrace --version [--verbose]

Exit status: 0 reached; 1 not reached; 2 bad usage, unknown host, or no DNS;
3 this host refused every protocol; 130 Ctrl-C; 143 SIGTERM;
70 a fault of nettrace; 74 the output could not be written; 77 still root.
`;

const COMMON = `  -4, --ipv4  -6, --ipv6    one family only       --backend auto|ffi|raw-socket
  -q, --queries N  -w, --wait SECONDS   probes a hop (3); time for an answer (3)
  -f, --first N  -m, --max-hops N    first hop (1) and last hop (30)
      --window N  --max-gap N   hops probed ahead (8), silent before the end (8)
      --pps N               packets a second (100)           --keep-privileges
      --flow constant|vary  keep to one path, or let balancers show others
      --size OCTETS  --df do|want|dont|probe   size of packets; fragmentation
      --tos N  --mark N     traffic class; firewall mark
  -s, --source ADDRESS  -i, --interface NAME  --sport PORT  what to send from
  -n, --numeric             no names; otherwise (-b, --both) name and address
      --format FORMAT  --record FILE   see docs/formats.md, and replay
      --plugin FILE         load a protocol of your own; repeatable  -h, --help
`;

export const AUTO_HELP = `Usage: nettrace auto HOST [OPTIONS]

Tries protocols in order and shows the path of the first that reaches HOST.

      --order LIST          protocols, some with a port: icmp,udp,tcp-syn:443
  -p, --port PORT[,PORT]    replace the TCP ports of the order (443,80)
      --stagger MS          start the next beside a silent one after this (250)
      --egress              learn what this host lets out first, begin with that
      --proxy URL|env  --proxy-tls auto|always|never   ask a proxy; TLS in it
${COMMON}
  nettrace auto 192.0.2.1 --order tcp-syn:22,icmp -q 1 -n
`;

export const TRACE_HELP = `Usage: nettrace trace HOST -P PLUGIN[:PORT] [OPTIONS]

Traces the path to HOST by one protocol.

  -P, --protocol PLUGIN[:PORT]   icmp, udp, tcp-syn, tcp-connect; tcp-reach:
                                 is a TCP port reached, no hops
${COMMON}
  nettrace trace example.com -P icmp
  nettrace trace example.com -P tcp-syn:22 -f 5 -m 20
  nettrace trace 2001:db8::1 -P udp --format json
`;

export const REPORT_HELP = `Usage: nettrace report HOST [OPTIONS]

Asks every hop round after round, by the first protocol that reaches HOST.

  -c, --cycles N  --interval SECONDS   rounds (10) and their length (1)
  -P, --protocol PLUGIN[:PORT]         this protocol, and try no other
      --order LIST  -p, --port PORTS  --stagger MS   the ladder, as for auto
  -4, --ipv4  -6, --ipv6    one family only       --backend auto|ffi|raw-socket
  -f, --first N  -m, --max-hops N  --max-gap N   hops: 1, 30; 12 silent ones
  -w, --wait SECONDS        longest wait for an answer (10)  --keep-privileges
      --flow constant|vary  keep to one path, or let balancers show others
      --size OCTETS  --df do|want|dont|probe  --tos N  --mark N   the packets
  -s, --source ADDRESS  -i, --interface NAME  --sport PORT  what to send from
  -n, --numeric             no names; otherwise (-b, --both) name and address
      --format FORMAT  --record FILE   see docs/formats.md, and replay
      --plugin FILE         load a protocol of your own; repeatable  -h, --help

  nettrace report example.com -c 60 --interval 0.5
  nettrace report example.com -P tcp-syn:443 -n
`;

export const LIVE_HELP = `Usage: nettrace live HOST... [OPTIONS]

Measures on and on, and shows it live; ? lists the keys, q prints the report.

  -c, --cycles N  --interval SECONDS   rounds (endless) and their length (1)
  -P, --protocol PLUGIN[:PORT]         this protocol, and try no other
      --order LIST  -p, --port PORTS  --stagger MS   the ladder, as for auto
  -4, --ipv4  -6, --ipv6    one family only       --backend auto|ffi|raw-socket
  -f, --first N  -m, --max-hops N  --max-gap N   hops: 1, 30; 12 silent ones
  -w, --wait SECONDS        longest wait for an answer (10)  --keep-privileges
      --flow constant|vary  keep to one path, or let balancers show others
      --size OCTETS  --df do|want|dont|probe  --tos N  --mark N   the packets
  -s, --source ADDRESS  -i, --interface NAME  --sport PORT  what to send from
  -n, --numeric             no names; otherwise (-b, --both) name and address
  -z, --networks  --asn-db FILE   networks (AS), by DNS or from a database
  -o, --columns LETTERS     numbers to show, of LHDRSNABWVGJMXI
      --thresholds loss=1:10,rtt=150:400,jitter=30:100   yellow and red
      --record FILE         write every event down, for replay
      --plugin FILE         load a protocol of your own; repeatable  -h, --help

  nettrace live example.com example.net -P tcp-syn:443
`;

export const DOCTOR_HELP = `Usage: nettrace doctor [--format text|json] [--plugin FILE...]

Tells what this host takes away from a trace, why, and what to do about it:
rights, sockets (each kind is opened and closed), protocols and their modes,
the kernel's settings, routes, name servers and, for root, the firewall's rules
about what this host sends and gets. Sends nothing, and keeps root's rights.

  ok       works
  limited  something is missing, and the rest works
  MISSING  cannot be done here
  unknown  cannot be told, mostly for want of rights

Exit status: 0; 3 where no protocol can run at all.

  nettrace doctor
  sudo nettrace doctor            the rules too
  nettrace doctor --format json
`;

export const EGRESS_HELP = `Usage: nettrace egress [HOST] [OPTIONS]

Measures what this host lets out, by protocol and port: one small probe each,
that dies at the first router. Nothing is sent around the host's rules.

  out      it left: a router or HOST answers, or the kernel saw it leave
  refused  this host kept it back (EPERM, REJECT, a route)
  unknown  nothing tells

  -4, --ipv4  -6, --ipv6    one family only       --keep-privileges
      --ports LIST          such as 1-1024,8443 (100 that operators care for)
      --protocols LIST      of icmp,udp,tcp
      --hop-limit N         let the probes come as far as router N (1)
  -i, --interface NAME      by this interface only (each with a route)
      --pps N               probes a second (1000)
      --format text|json    json: see docs/schema/egress-1.json

  nettrace egress
  nettrace egress example.com --ports 1-1024 --protocols tcp
`;

export const SCAN_HELP = `Usage: nettrace scan -f FILE [OPTIONS]

Traces many targets at once, in random order; a row for each as it is complete.

  -f, --file FILE           an address or prefix a line, # comments; - is stdin
  -P, --protocol PLUGIN[:PORT]    icmp, udp, tcp-syn (icmp)   --plugin FILE
      --blocklist FILE      never probe these; private ranges need naming
      --resume FILE         keep the state here, and go on from there
      --seed N              the same order again
      --pps N  --prefix-pps N  --hop-pps N   probes a second: in all (1000), to
                            one /24 or /48, with one hop limit
      --no-stop-set         ask all hops, those that earlier rows told too
  -q, --queries N  -w, --wait SECONDS   tries of a silent hop (2), of 1 s each
  -m, --max-hops N  --max-gap N   hops: 30; 5 silent ones end a path
  -s, --source ADDRESS  -i, --interface NAME  --sport PORT  what to send from
      --size OCTETS  --tos N  --backend auto|ffi|raw-socket  --keep-privileges
      --format jsonl|csv|scamper-json|atlas   docs/scan.md  -h, --help

  nettrace scan -f targets.txt --resume state.json >> rows.jsonl

Exit status: 0 all have rows; 3 this host sends nothing; 130 interrupted.
`;

export const LOCATE_HELP = `Usage: nettrace locate HOST -p PORT[,PORT...] [OPTIONS]

Tells where in the path a port is filtered: traces it, and what passes, and
compares. A port is 25, tcp/25, udp/53, or icmp.

  -p, --port LIST           what to look for
      --reference LIST      what to compare with where none of those passes
                            (tcp/443,tcp/80,icmp)
      --asn-db FILE         networks from a database in MaxMind's format first
  -n, --numeric             ask no name server for networks
      --format text|json    json: see docs/schema/locate-1.json
  -4, --ipv4  -6, --ipv6  -q, --queries N  -m, --max-hops N  -w, --wait SECONDS
  -s, --source ADDRESS  -i, --interface NAME  --keep-privileges   as in auto

Exit status: 0 all pass; 1 something does not; 3 this host keeps all back.

  nettrace locate example.com -p 25
  nettrace locate example.com -p 22,25,443,udp/53,icmp -n
`;

export const REPLAY_HELP = `Usage: nettrace replay FILE [OPTIONS]

Shows a run that was recorded with --record, as it was or in another format:
live on the live screen again, where standard output is a terminal.

      --format FORMAT       text, json, jsonl, csv, markdown, mtr-json, atlas,
                            scamper-json, dot, mermaid
      --speed FACTOR        1: as fast as it happened; 10: ten times; max: at once
      --live                a report on the live screen too
  -h, --help

  nettrace auto example.com --record run.jsonl
  nettrace replay run.jsonl --speed 10
  nettrace replay run.jsonl --format dot | dot -Tsvg > path.svg
`;

export const PLUGIN_HELP = `Usage: nettrace plugin list
       nettrace plugin new NAME [--kind raw|udp|tcp]
       nettrace plugin check FILE [--port N] [--timeout S] [--format text|json]

A plugin is a TypeScript or JavaScript file that teaches nettrace one protocol.

  list         the built-in ones, and what is found in your plugin folder:
               from where, and whether it is trusted; runs none of them
  new NAME     write NAME.ts and its test NAME.test.ts into this directory
      --kind raw|udp|tcp    what the protocol runs over (udp)
  check FILE   run it on a simulated network: is it right where answers are
               lost, doubled, late, forged? Exit status 0 yes, 1 no, 2 no plugin
      --port N       where its probes go (the plugin's own port)
      --timeout S    seconds that one case may take (10)
  -h, --help

  nettrace trace example.com --plugin ./dns.ts -P dns:53
  nettrace trace example.com -P dns        from the folder, by its name

The folder is $XDG_CONFIG_HOME/nettrace/plugins (~/.config/nettrace/plugins;
on Windows %APPDATA%\\nettrace\\plugins).
`;

export const LINK_HELP = `Usage: nettrace link DIRECTORY

Makes symbolic links to this executable, by which it is started as the tool of
that name: traceroute, traceroute6, mtr, ping, ping6, tracert, tcptraceroute.
What is there already is left as it is.

  nettrace link ~/bin
`;

export const COMPLETION_HELP = `Usage: nettrace completion bash|zsh|fish

Prints what your shell reads to complete commands, options and protocols of
nettrace. It asks the nettrace in your PATH, and evaluates nothing you typed.

  -h, --help

  . <(nettrace completion bash)            in ~/.bashrc
  . <(nettrace completion zsh)             in ~/.zshrc, below compinit
  nettrace completion fish | source        in ~/.config/fish/config.fish
`;
