/** Ends a ping before its first probe: what to say on stderr behind "ping: ", and the exit status. */
export class PingExit extends Error {
  override readonly name = "PingExit";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
