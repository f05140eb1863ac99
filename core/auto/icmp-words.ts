import type { Family } from "../address.ts";
import type { IcmpCode } from "../probe.ts";

/** What a code of "destination unreachable" means: traceroute's mark and the words for it. */
export interface UnreachableWords {
  readonly mark: string;
  readonly words: string;
}

/** RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1; the marks are traceroute(8)'s. */
const V4: Readonly<Record<number, UnreachableWords>> = {
  0: { mark: "!N", words: "network unreachable" },
  1: { mark: "!H", words: "host unreachable" },
  2: { mark: "!P", words: "protocol unreachable" },
  3: { mark: "", words: "port unreachable" },
  4: { mark: "!F", words: "fragmentation needed" },
  5: { mark: "!S", words: "source route failed" },
  6: { mark: "!N", words: "network unknown" },
  7: { mark: "!H", words: "host unknown" },
  8: { mark: "!N", words: "source host isolated" },
  9: { mark: "!X", words: "network administratively prohibited" },
  10: { mark: "!X", words: "host administratively prohibited" },
  11: { mark: "!N", words: "network unreachable for this type of service" },
  12: { mark: "!H", words: "host unreachable for this type of service" },
  13: { mark: "!X", words: "administratively prohibited" },
  14: { mark: "!V", words: "host precedence violation" },
  15: { mark: "!C", words: "precedence cutoff in effect" },
};

/** RFC 4443 §3.1. */
const V6: Readonly<Record<number, UnreachableWords>> = {
  0: { mark: "!N", words: "no route to the target" },
  1: { mark: "!X", words: "administratively prohibited" },
  2: { mark: "!S", words: "beyond the scope of the source address" },
  3: { mark: "!H", words: "address unreachable" },
  4: { mark: "", words: "port unreachable" },
  5: { mark: "!X", words: "source address failed the ingress or egress policy" },
  6: { mark: "!X", words: "reject route" },
};

/** The mark and words of an ICMP answer that is no plain time exceeded or echo reply; undefined for those. */
export function describeIcmp({ type, code }: IcmpCode, family: Family): UnreachableWords | undefined {
  const isUnreachable = type === (family === 4 ? 3 : 1);
  if (isUnreachable) {
    return (family === 4 ? V4 : V6)[code] ?? { mark: `!<${code}>`, words: `unreachable, code ${code}` };
  }
  if (family === 6 && type === 2) return { mark: "!F", words: "packet too big" };
  const isPlain = family === 4 ? type === 11 || type === 0 : type === 3 || type === 129;
  return isPlain ? undefined : { mark: `!<${type}-${code}>`, words: `ICMP type ${type} code ${code}` };
}
