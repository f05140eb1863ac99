import type { IpAddress } from "../../../core/mod.ts";
import { addressText, hopViews, type MtrView } from "./view.ts";

/** mtr's split format: a line for each hop that has changed. */
export interface SplitLines {
  /** Something may have changed. */
  show(view: MtrView): void;
  /** All numbers begin anew; who answered is still known. */
  reset(): void;
}

interface Shown {
  /** Undefined: nobody is known. */
  readonly who: string | undefined;
  readonly line: string;
}

const NOBODY = "???";
const NO_NUMBERS = "0 0 0 0 0 0";

/**
 * Number, name, loss in thousandths of a percent, received, sent, best, average and worst in whole milliseconds; `-` and a
 * number for a hop that is no more.
 */
export function createSplitLines(write: (text: string) => void): SplitLines {
  const hops = new Map<number, Shown>();
  /** Up to here hops were known before all numbers began anew. */
  let kept = 0;

  const put = (hop: number, who: string | undefined, line: string): void => {
    const before = hops.get(hop)?.line ?? NOBODY;
    hops.set(hop, { who, line });
    if (line !== before) write(`${hop} ${line}\n`);
  };

  return {
    show(view) {
      const views = hopViews(view);
      const last = Math.max(kept, views.at(-1)?.row.hop ?? 0);
      for (const hop of [...hops.keys()].filter((each) => each > last).sort((a, b) => b - a)) {
        write(`-${hop}\n`);
        hops.delete(hop);
      }
      for (const { row, address } of views) {
        const who = address === undefined ? hops.get(row.hop)?.who : whoText(view, address);
        put(row.hop, who, who === undefined ? NOBODY : `${who} ${numbersOf(row)}`);
      }
    },
    reset() {
      kept = Math.max(0, ...hops.keys());
      for (const [hop, { who }] of hops) if (who !== undefined) put(hop, who, `${who} ${NO_NUMBERS}`);
    },
  };
}

function whoText(view: MtrView, address: IpAddress): string {
  const who = addressText({ ...view, showIps: false }, address);
  return view.showIps ? `${who} ${address.text}` : who;
}

function numbersOf({ lossPercent = 0, received, sent, rtt }: MtrView["rows"][number]): string {
  const whole = (ms: number | undefined): number => Math.trunc(ms ?? 0);
  const times = [whole(rtt.bestMs), whole(rtt.meanMs), whole(rtt.worstMs)];
  return [Math.trunc(lossPercent * 1000), received, sent, ...times].join(" ");
}
