/** The part of the npm package raw-socket that is used here. It has no declarations of its own. */
export interface RawSocketAddon {
  createSocket(options: {
    /** 0-255. */
    readonly protocol: number;
    /** 1 IPv4, 2 IPv6. */
    readonly addressFamily: 1 | 2;
    /** Octets of the longest packet that can be received. */
    readonly bufferSize: number;
  }): AddonSocket;
}

/** Its errors have strerror(3)'s words for a message, and no code. */
export interface AddonSocket {
  /**
   * Beneath the queue of `send`, which reports errors later and elsewhere, and the event `message`, which comes once a turn
   * of the event loop: these call sendto(2) and recvfrom(2) at once, and throw.
   */
  readonly wrap: {
    recv(into: Buffer, done: (into: Buffer, octets: number, from: string) => void): void;
    send(bytes: Buffer, offset: number, length: number, to: string, done: (octets: number) => void): void;
  };
  setOption(level: number, name: number, value: number): void;
  setOption(level: number, name: number, value: Buffer, length: number): void;
  /** IPv4 packets start with their IP header. The bytes are overwritten by the next packet. */
  on(event: "message", listener: (bytes: Buffer, from: string) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  pauseRecv(): void;
  close(): void;
}

/** Rejects with an Error where the package is not installed, or was not compiled for this runtime. */
export async function loadAddon(): Promise<RawSocketAddon> {
  if ("Bun" in globalThis || "Deno" in globalThis) {
    const name = "Bun" in globalThis ? "Bun" : "Deno";
    throw new Error(`it is an addon for Node, and this is ${name}`);
  }
  // Through a variable: it may not be installed where this is compiled.
  const name = "raw-socket";
  const { default: addon }: { readonly default: RawSocketAddon } = await import(name);
  return addon;
}
