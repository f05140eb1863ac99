import type { ComparedLine } from "./traceroute.ts";

/** Methods of other protocols, and options of methods. */
export const METHOD_LINES: readonly ComparedLine[] = [
  ...["-UL -n $4", "-UL $name", "-UL -n $6", "-M udplite -p 5000 -n $4 200", "-UL --sport=5000 -n $4"].map(
    (rest): ComparedLine => ({ scenario: "plain", line: `traceroute ${rest}` }),
  ),
  { scenario: "plain", line: "traceroute -UL -n $4", user: "nobody" },
  { scenario: "plain", line: "traceroute -UL -n $6", user: "nobody" },
  { scenario: "plain", line: "traceroute -UL -O coverage=20 -n $4" },
  { scenario: "plain", line: "traceroute -UL -O coverage=3 -n $6" },
  { scenario: "balanced", line: "traceroute -UL -n $4", compare: "balanced" },
  { scenario: "unreachableTarget", line: "traceroute -UL -n $4", user: "nobody" },
  {
    scenario: "restricted",
    line: "traceroute -UL $4",
    hint: /^nettrace: an OUTPUT rule refuses UDP-Lite to port 53; try: /,
  },
  ...["-P 253 -n $4", "-P gre $name", "-P 253 -n $6", "-M raw -n $4", "-M raw -O protocol=50 -n $4 100"].map(
    (rest): ComparedLine => ({ scenario: "plain", line: `traceroute ${rest}` }),
  ),
  { scenario: "plain", line: "traceroute -P 253 -p 47 -n $4" },
  { scenario: "plain", line: "traceroute -P udp -n -m 4 -w 0.3 $4" },
  { scenario: "silentMiddle", line: "traceroute -P 200 -n -w 0.3 $4" },
  { scenario: "plain", line: "traceroute -P 253 -n $4", user: "nobody", hint: /^nettrace: IP protocol 253 needs root/ },
  { scenario: "restricted", line: "traceroute -P gre $4", hint: /^nettrace: an OUTPUT rule refuses IP protocol 47; / },
  ...["-D $4", "-D -n -p 5001 $6"].map(
    (rest): ComparedLine => ({
      scenario: "plain",
      line: `traceroute ${rest}`,
      difference: {
        why: "the real one holds a DCCP socket for its port, which Linux has not had since 6.16; ours needs none",
        code: 0,
        stdout: /^traceroute to .*, (40|60) byte packets\n 1 {2}[\s\S]*\n 4 {2}\S+ .*!/,
      },
    }),
  ),
  { scenario: "plain", line: "traceroute -D $4", user: "nobody", hint: /^nettrace: DCCP to port 33434 needs root/ },
  {
    scenario: "plain",
    line: "traceroute -M sctp -n $4",
    difference: {
      why: "the real one has no SCTP",
      code: 0,
      stdout: / 52 byte packets\n[\s\S]*\n 4 {2}\S+ {2}\S+ ms !P/,
    },
  },
  ...[
    ...["ack,info -n $4", "fin,info -p 9999 -n $4", "ecn,info -p 443 -n $4", "mss=500,info -n $4", "syn,sack -n $4"],
    ...["syn,time,window -n $4", "flags=0x29,info -p 9999 -n $4", "flags=0 -p 9999 -n $6", "ack,info -p 443 -n $6"],
    ...["syn,sysctl,info -n $4", "reuse,info -n $4"],
  ].map((rest): ComparedLine => ({ scenario: "plain", line: `traceroute -N 1 -T -O ${rest}`, compare: "stars" })),
  { scenario: "plain", line: "traceroute -T -O fin -p 443 -n -m 4 -w 0.3 $4", compare: "stars" },
  {
    scenario: "plain",
    line: "traceroute -T -O ack -n $4",
    user: "nobody",
    hint: /^nettrace: TCP to port 80 needs root/,
  },
  { scenario: "plain", line: "traceroute -I -O raw -N 1 -n $4" },
  {
    scenario: "plain",
    line: "traceroute -I -O dgram -n $4",
    hint: /^nettrace: no group of this user is in net\.ipv4\.ping/,
  },
  { scenario: "plain", line: "traceroute -d -n $4" },
  { scenario: "plain", line: "traceroute -d -n $4", user: "nobody" },
];
