import { SocketError } from "../errors.ts";
import type { ProbeSession } from "../plugin.ts";
import type { Bench } from "./bench.ts";
import type { ConformanceCase } from "./case.ts";
import { expectThat, fail } from "./expect.ts";
import { ANSWER_WITHIN_MS, expectResponder, openSession, probe } from "./session.ts";

/** What it says where this host refuses. */
export const REFUSAL_CASES: readonly ConformanceCase[] = [
  {
    name: "throws the errno of a route that prohibits sending (EACCES)",
    situation: "prohibited",
    run(bench, { plugin }) {
      const error = refusalOf(() => {
        using session = openSession(plugin, bench);
        session.send(probe({ sequence: 1 }));
      });
      expectThat(error.errno === "EACCES", `the error says ${error.errno}, not EACCES`);
      const isStage = ["route", "send", "connect"].includes(error.stage);
      expectThat(isStage, `the error's stage is "${error.stage}", not route, send or connect`);
      expectNoSockets(bench);
    },
  },
  {
    name: "throws, and leaves nothing open, where the kernel opens no socket",
    situation: "noSockets",
    run(bench, { plugin }) {
      const error = refusalOf(() => {
        using session = openSession(plugin, bench);
        session.send(probe({ sequence: 1 }));
      });
      expectThat(error.stage === "socket", `the error's stage is "${error.stage}", not socket`);
      expectThat(error.errno !== null, "the error does not say its errno");
      expectNoSockets(bench);
    },
  },
  {
    name: "tells that this host drops its probes (EPERM), at once or when asked",
    situation: "dropped",
    async run(bench, { plugin, expects: { silentDrops = [] } }) {
      using session = openSession(plugin, bench);
      if (session.hiddenRefusalAtMs === undefined) {
        const { stage, errno, evidence } = refusalOf(() => session.send(probe({ sequence: 1 })));
        expectThat(stage === "send", `the error's stage is "${stage}", not send`);
        if (silentDrops.includes(bench.target.address.family) && errno === null) {
          expectThat(evidence !== undefined, "the error has neither errno nor evidence");
        } else expectThat(errno === "EPERM", `the error says ${errno}, not EPERM`);
        return;
      }
      session.send(probe({ sequence: 1 }));
      const refusals = await askForRefusals(bench, session);
      const isTold = refusals.some((each) => each instanceof SocketError);
      expectThat(isTold, "hiddenRefusal never told that this host drops what it sends");
    },
  },
  {
    name: "goes on after a send that this host refused, and names no probe that did not leave",
    situation: "partlyDropped",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const hopLimits = new Map<number, number>();
      const answered = new Set<number>();
      const last = bench.responders.length;
      for (let index = 0; index < 3 * last; index++) {
        const sent = probe({ sequence: 100 + index, hopLimit: 1 + (index % last), flow: 0 });
        try {
          session.send(sent);
          hopLimits.set(sent.sequence, sent.hopLimit);
        } catch (error) {
          if (!(error instanceof SocketError)) throw error;
          expectThat(error.errno === "EPERM", `the error says ${error.errno}, not EPERM`);
          continue;
        }
        const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
        for (
          let arrival = await bench.network.receive(untilMs);
          arrival;
          arrival = await bench.network.receive(untilMs)
        ) {
          const reply = session.match(arrival);
          if (reply === undefined) continue;
          expectResponder(bench, { hopLimit: hopLimits.get(reply.sequence) ?? 0 }, reply.from);
          answered.add(reply.sequence);
          if (reply.sequence === sent.sequence) break;
        }
      }
      const told = `of ${3 * last} probes ${hopLimits.size} left, and match knew ${answered.size} answers`;
      expectThat(answered.size >= last, told);
    },
  },
  {
    name: "takes no silence of the network for a refusal of this host",
    situation: "silent",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      session.send(probe({ sequence: 1, hopLimit: 64 }));
      const refusal = (await askForRefusals(bench, session)).find((each) => each !== undefined);
      if (refusal !== undefined) fail(`hiddenRefusal told a refusal: ${refusal.message}`);
    },
  },
];

function refusalOf(run: () => void): SocketError {
  try {
    run();
  } catch (error) {
    if (error instanceof SocketError) return error;
    throw error;
  }
  return fail("neither open nor send threw a SocketError");
}

function expectNoSockets({ openSockets }: Bench): void {
  const left = openSockets?.() ?? 0;
  expectThat(left === 0, `${left} of its sockets are left open`);
}

/** What the session says each time that it asks to be asked. */
async function askForRefusals(bench: Bench, session: ProbeSession): Promise<readonly (SocketError | undefined)[]> {
  const startMs = bench.network.nowMs();
  const answers: (SocketError | undefined)[] = [];
  for (const atMs of session.hiddenRefusalAtMs ?? []) {
    while ((await bench.network.receive(startMs + atMs)) !== undefined);
    answers.push(session.hiddenRefusal?.());
  }
  return answers;
}
