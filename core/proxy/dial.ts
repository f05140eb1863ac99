import type { connect, Socket } from "node:net";
import { type Endpoint, formatAddress, type IpAddress } from "../address.ts";
import type { Patience } from "./exchange.ts";

export type Dialled =
  | { readonly state: "done"; readonly socket: Socket }
  | { readonly state: "silent" | "stopped" }
  /** `errno`: what the runtime says; Bun says ECONNREFUSED for nearly all that can happen. */
  | { readonly state: "failed"; readonly errno: string | null };

/** `start`: the runtime's own TCP client, which needs no call of the C library. Never rejects. */
export function dialProxy(
  start: typeof connect,
  to: Endpoint,
  source: IpAddress | undefined,
  { timeoutMs, signal }: Patience,
): Promise<Dialled> {
  return new Promise((resolve) => {
    let socket: Socket | undefined;
    const end = (result: Dialled): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket?.off("connect", open);
      if (result.state !== "done") socket?.destroy();
      resolve(result);
    };
    const open = (): void => {
      if (socket !== undefined) end({ state: "done", socket });
    };
    const stop = (): void => end({ state: "stopped" });
    const fail = (error: unknown): void => end({ state: "failed", errno: errnoOf(error) });
    const timer = setTimeout(() => end({ state: "silent" }), timeoutMs);
    signal.addEventListener("abort", stop);
    if (signal.aborted) return stop();
    try {
      const host = formatAddress(to.address);
      const from = source === undefined ? {} : { localAddress: formatAddress(source) };
      socket = start({ host, port: to.port, family: to.address.family, noDelay: true, ...from });
      // It stays for as long as the socket: what fails later is told by whoever reads then.
      socket.on("error", fail).on("connect", open);
    } catch (error) {
      fail(error);
    }
  });
}

function errnoOf(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^E[A-Z0-9]{1,20}$/.test(code) ? code : null;
}
