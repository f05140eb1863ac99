import type { AnswerClaim, Claim, HopClaim } from "../../../test/truth/judge.ts";
import { endShown, type Peer } from "./peer.ts";

interface Packet {
  readonly received: null | {
    readonly ip: { readonly src: string };
    readonly icmp?: { readonly type: number; readonly code: number };
  };
  readonly sent: { readonly ip: { readonly ttl: number } };
}

export const dublin: Peer = {
  name: "dublin-traceroute",
  program: "dublin-traceroute",
  probing: "udp",
  argv: (target) => [
    "sh",
    "-c",
    'd=$(mktemp -d) && cd "$d" && dublin-traceroute -n 4 "$0" >/dev/null 2>&1; cat trace.json; rm -rf "$d"',
    target,
  ],
  read(stdout, target) {
    if (!stdout.trim().startsWith("{")) return undefined;
    const { flows } = JSON.parse(stdout) as { readonly flows: Readonly<Record<string, readonly Packet[]>> };
    const claims = Object.values(flows).map((packets) => claimOf(packets, target));
    return claims.length === 0 ? undefined : claims;
  },
};

/** It sends one probe to each hop limit of a flow, and shows nothing behind the target. */
function claimOf(packets: readonly Packet[], target: string): Claim {
  const hops: HopClaim[] = [];
  for (const { received, sent } of packets) {
    const answers: AnswerClaim[] =
      received === null
        ? []
        : [
            {
              address: received.ip.src,
              ofPath: true,
              ...(received.icmp && { icmp: codeOf(received.icmp) }),
              ...effect(received, target),
            },
          ];
    hops.push({ hop: sent.ip.ttl, answers, unanswered: received === null ? 1 : 0 });
  }
  const last = hops.findIndex(({ answers }) => answers.some(({ address }) => address === target));
  const shown = last < 0 ? hops : hops.slice(0, last + 1);
  return { hops: shown, end: endShown(shown, target) };
}

/** Its JSON has type and code the wrong way round (0.4.2); its text has them right. */
const codeOf = ({ type, code }: { readonly type: number; readonly code: number }) => ({ type: code, code: type });

function effect({ icmp, ip }: NonNullable<Packet["received"]>, target: string) {
  return icmp?.code === 3 && ip.src !== target ? { effect: "unreachable" as const } : {};
}
