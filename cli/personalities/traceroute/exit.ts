/** The tool has said what there is to say, on stderr, and ends. */
export class TracerouteExit extends Error {
  override readonly name = "TracerouteExit";
  readonly exitCode: number;

  /** `message`: the lines, without the last newline. */
  constructor(message: string, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A flag that cannot be had. */
export function unavailable(shown: string, why: string): TracerouteExit {
  return new TracerouteExit(`traceroute: Cannot use ${shown}: ${why}`);
}
