import { createNames, type IpAddress, type Names, noNames, type SweepTurn } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import type { AsnOf } from "./asn-of.ts";
import type { Responder, TurnText } from "./traceroute/hop-text.ts";

/** Writes turns in order, each as soon as its responder's name is known, or known not to come. */
export interface TurnWriter {
  /** Somebody has answered: his name will be wanted. */
  met(address: IpAddress): void;
  write(turn: SweepTurn): void;
  /** Resolves once all is written. */
  written(): Promise<void>;
}

/** A tool that was asked for names is expected to wait for them; the lookups run side by side. */
const PATIENCE_MS = 2000;

export function createTurnWriter(
  context: CommandContext,
  turnText: TurnText,
  { numeric, asnOf }: { readonly numeric: boolean; readonly asnOf?: AsnOf },
): TurnWriter {
  const { reverse } = context;
  const names: Names = numeric ? noNames : createNames({ patienceMs: PATIENCE_MS, ...(reverse && { reverse }) });
  const networks = new Map<string, Promise<readonly number[] | undefined>>();
  let last = Promise.resolve();

  const networkOf = (address: IpAddress): Promise<readonly number[] | undefined> => {
    if (asnOf === undefined) return Promise.resolve(undefined);
    const known = networks.get(address.text) ?? asnOf(address);
    networks.set(address.text, known);
    return known;
  };

  const met = (address: IpAddress): void => {
    names.want(address);
    void networkOf(address);
  };

  const find = async (address: IpAddress | undefined): Promise<Responder> => {
    if (address === undefined) return { name: undefined, asNumbers: undefined };
    met(address);
    const [asNumbers] = await Promise.all([networkOf(address), names.whenSettled(address)]);
    return { name: names.of(address), asNumbers };
  };

  return {
    met,
    write(turn) {
      last = last.then(async () => {
        const responder = await find(turn.reply?.from);
        context.stdout.write(turnText(turn, responder));
      });
    },
    written: () => last,
  };
}
