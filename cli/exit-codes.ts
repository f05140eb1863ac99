/** What the process says when it ends; documented in `nettrace --help` and in the README. */
export const EXIT = {
  reached: 0,
  notReached: 1,
  /** A bad option, an unknown host, or no name server. */
  usage: 2,
  /** This host kept back the probes of every protocol. */
  refusedHere: 3,
  /** A fault of nettrace itself (sysexits.h EX_SOFTWARE). */
  fault: 70,
  /** The output could not be written (EX_IOERR). */
  output: 74,
  /** Root's rights could not be given away (EX_NOPERM). */
  privileged: 77,
  /** The terminal of `live` has gone. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.reached]: "reached",
  [EXIT.notReached]: "not reached",
  [EXIT.refusedHere]: "refused by this host on every protocol",
  [EXIT.interrupted]: "interrupted",
  [EXIT.terminated]: "terminated",
};
