/** What Windows' own tracert printed, as people showed it: Windows cannot run in these tests. Public addresses and all. */
export interface TracertCapture {
  /** Where it was shown. */
  readonly source: string;
  /** As typed; an address, or what the header calls the target. */
  readonly text: string;
}

export const TRACERT_CAPTURES: readonly TracertCapture[] = [
  {
    source: "https://github.com/MicrosoftDocs/windowsserverdocs/issues/6605 (2022)",
    text: `
Tracing route to 172.19.219.42 over a maximum of 9 hops

  1     2 ms     *        2 ms  10.15.8.1
  2     1 ms     1 ms     1 ms  10.15.0.1
  3    18 ms     *        9 ms  10.14.1.33
  4     6 ms     7 ms     6 ms  10.14.1.84
  5     9 ms     9 ms     9 ms  172.19.254.86
  6     6 ms     6 ms     6 ms  172.19.254.66
  7     9 ms     9 ms     9 ms  172.19.219.42

Trace complete.
`,
  },
  {
    source: "https://www.networkbulls.com/ask/meaning-of-tracert-output",
    text: `
Tracing route to www.l.google.com [209.85.143.99]
over a maximum of 30 hops:

  1    <1 ms    <1 ms    <1 ms  server88-208-200-1.live-servers.net [88.208.200.1]
  2    <1 ms    <1 ms    <1 ms  88.208.255.101
  3     5 ms     5 ms     5 ms  88.208.255.62
  4     *        *        *     Request timed out.
  5     5 ms     5 ms     5 ms  209.85.252.76
  6    16 ms    25 ms    16 ms  209.85.251.190
  7    22 ms    16 ms    16 ms  209.85.253.125
  8    16 ms    25 ms    28 ms  216.239.47.26
  9    17 ms    17 ms    16 ms  dy-in-f99.1e100.net [209.85.143.99]

Trace complete.
`,
  },
  {
    source: "a page on DNS by the author of iamwwc.github.io, its last hops; the path ended without a word",
    text: `
Tracing route to baidu.com [220.181.57.216]
over a maximum of 30 hops:

  1    <1 ms    <1 ms    <1 ms  192.168.1.1
  2     2 ms     2 ms     2 ms  10.177.16.1
  3     2 ms     2 ms     2 ms  112.231.64.65
  4     8 ms     6 ms     6 ms  119.164.221.129
  5    11 ms    14 ms    14 ms  219.158.8.221
  6    11 ms    14 ms    14 ms  219.158.4.158
  7     *        *        *     Request timed out.
  8    28 ms    29 ms    26 ms  202.97.88.253
  9     *       26 ms     *     220.181.0.198
 10     *        *        *     Request timed out.
 11    29 ms    29 ms    29 ms  220.181.182.34
`,
  },
  {
    source: "notes of a static route between two wireless networks (a text file in a public repository)",
    text: `
Tracing route to 192.168.10.99 over a maximum of 30 hops

  1     *        *     PatsXPS [192.168.31.243]  reports: Destination host unreachable.

Trace complete.
`,
  },
  {
    source: "a line of tracert as a crawler stored it (a JSON file in a public repository)",
    text: "  7     *        *     38.140.174.89  reports: Destination net unreachable.\n",
  },
  {
    source: "https://github.com/BornToBeRoot/NETworkManager/issues/310 (2020), its first hops",
    text: `
Tracing route to 8.8.8.8 over a maximum of 30 hops

  1     *        *        *     Request timed out.
  2     *        *        *     Request timed out.
  3     *        *        *     Request timed out.
`,
  },
];
