import { createNames, formatAddress, type IpAddress, type Names, noNames } from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { printable } from "../../printable.ts";

/** Writes in the order of the calls, each text as soon as the names in it are known, or known not to come. */
export interface Printer {
  /** Without names. */
  out(text: string): void;
  error(text: string): void;
  /** A text with an address in it, which `text` is given as it is to be shown: `name (address)` or the address. */
  outWith(address: IpAddress, text: (shown: string) => string): void;
  /** From now on no name is waited for. */
  hurry(): void;
  /** Resolves once all is written. */
  written(): Promise<void>;
}

/** iputils waits as long as the resolver does, and its times suffer; these lookups run beside the probes. */
const PATIENCE_MS = 2000;

export function createPrinter(context: CommandContext, isNumeric: boolean): Printer {
  const { reverse, stdout, stderr } = context;
  const names: Names = isNumeric ? noNames : createNames({ patienceMs: PATIENCE_MS, ...(reverse && { reverse }) });
  let last = Promise.resolve();
  let waiting = 0;
  let stopWaiting: () => void = () => {};
  const hurried = new Promise<void>((resolve) => {
    stopWaiting = resolve;
  });

  const enqueue = (write: () => void, ready: Promise<void> | undefined): void => {
    if (waiting === 0 && ready === undefined) {
      write();
      return;
    }
    waiting += 1;
    last = last.then(async () => {
      await ready;
      write();
      waiting -= 1;
    });
  };

  const shown = (address: IpAddress): string => {
    const name = names.of(address);
    const text = formatAddress(address);
    return name === undefined ? text : `${printable(name)} (${text})`;
  };

  return {
    out: (text) => enqueue(() => stdout.write(text), undefined),
    error: (text) => enqueue(() => stderr.write(text), undefined),
    outWith(address, text) {
      names.want(address);
      const ready = names.settled(address) ? undefined : Promise.race([names.whenSettled(address), hurried]);
      enqueue(() => stdout.write(text(shown(address))), ready);
    },
    hurry: () => stopWaiting(),
    written: () => last,
  };
}
