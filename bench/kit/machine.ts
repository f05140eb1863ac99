import { cpus, loadavg, release, totalmem } from "node:os";

/** Where and when something was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** ISO, to the day. */
  readonly date: string;
  /** Of the last minute, when the measurement began. */
  readonly load: number;
}

export function thisMachine(): Machine {
  const [first] = cpus();
  return {
    cpu: (first?.model ?? "unknown CPU").replace(/\s+/g, " ").trim(),
    cpus: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    date: new Date().toISOString().slice(0, 10),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

/** Whether others were at work before anything was measured. */
export function isBusy({ cpus: count, load }: Machine): boolean {
  return load > count / 2;
}

/** One line, with a warning where others were at work. */
export function shownMachine(machine: Machine): string {
  const { cpu, cpus: count, memoryGb, kernel, date, load } = machine;
  const note = isBusy(machine)
    ? `; **the machine was busy: load ${load} before the start, so these numbers are worse than they need be**`
    : `; load ${load} before the start`;
  return `${date}, ${kernel}, ${count} × ${cpu}, ${memoryGb} GB${note}.`;
}
