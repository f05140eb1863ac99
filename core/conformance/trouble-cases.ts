import type { ConformanceCase } from "./case.ts";
import { expectThat } from "./expect.ts";
import { exchange, expectResponder, type Flood, flood, openSession, probe } from "./session.ts";

/** Divided among the hops of a path, which have six at most. */
const PROBES = 240;

/** What networks do to probes and answers. */
export const TROUBLE_CASES: readonly ConformanceCase[] = [
  {
    name: "names the right probe where others are lost",
    situation: "lossy",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const { sent, replies } = await flood(bench, session, PROBES);
      const told = `match knew ${replies.size} answers to ${sent.size} probes, of which the path loses less than half`;
      expectThat(replies.size * 2 >= sent.size, told);
    },
  },
  {
    name: "takes every copy of an answer for the same probe's, or for nothing",
    situation: "duplicating",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      expectAllAnswered(await flood(bench, session, PROBES));
    },
  },
  {
    name: "names the right probe where answers overtake each other",
    situation: "reordering",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      expectAllAnswered(await flood(bench, session, PROBES));
    },
  },
  {
    name: "knows an answer that comes more than a second late",
    situation: "late",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const { from } = await exchange(bench, session, probe({ sequence: 300, hopLimit: 2 }));
      expectResponder(bench, { hopLimit: 2 }, from);
    },
  },
  {
    name: "sees each hop and the target through a NAT",
    situation: "nat",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      expectAllAnswered(await flood(bench, session, PROBES));
    },
  },
  {
    name: "names no wrong probe behind a NAT that leaves in quotes what routers saw",
    situation: "natQuotes",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const { sent, replies } = await flood(bench, session, PROBES);
      // What is quoted in front of the NAT was not rewritten.
      const before = [...sent.values()].filter(({ hopLimit }) => hopLimit <= 2);
      const unknown = before.filter(({ sequence }) => !replies.has(sequence)).length;
      expectThat(
        unknown === 0,
        `match knew no answer to ${unknown} of ${before.length} probes that end before the NAT`,
      );
    },
  },
  {
    name: "names no wrong probe where routers quote no more than eight octets of it",
    situation: "shortQuotes",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      await flood(bench, session, PROBES);
    },
  },
];

function expectAllAnswered({ sent, replies }: Flood): void {
  expectThat(
    replies.size === sent.size,
    `match knew the answers to ${replies.size} of ${sent.size} probes; all were answered`,
  );
}
