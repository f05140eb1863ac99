import type { TlsAnswer } from "./tls.ts";

/** What was asked of a proxy for one port, and how it ended. */
export type ProxyVerdict =
  /** TLS came through the tunnel: an end behind the proxy speaks it. */
  | "reached"
  /** The proxy says that it is connected; nothing else was asked for, and nothing but its word shows it. */
  | "connected"
  /** The proxy says that it is connected, but no TLS came through. */
  | "unproven"
  /** The proxy will not. */
  | "refused"
  /** The proxy says that it cannot reach the host. */
  | "failed"
  /** The proxy took the connection, and did not answer in time. */
  | "silent"
  /** What answers is no such proxy. */
  | "faulty"
  /** No connection to the proxy. */
  | "no-proxy"
  /** Stopped by its caller. */
  | "abandoned";

/** A step of the way: TCP to the proxy, TLS with it, SOCKS's greeting and login, CONNECT, TLS through the tunnel. */
export type ProxyPhaseName = "connect-proxy" | "tls-proxy" | "greet" | "connect" | "tls";

/** A step that was begun. */
export interface ProxyPhase {
  readonly name: ProxyPhaseName;
  /** Monotonic milliseconds from its beginning to its end, however it ended. */
  readonly ms: number;
  /** Whether it did what it was for. */
  readonly isDone: boolean;
}

/** What a proxy answers to CONNECT. */
export interface ProxyAnswer {
  readonly protocol: "http" | "socks5";
  /** HTTP's status (RFC 9110 §15), or SOCKS's reply (RFC 1928 §6). */
  readonly code: number;
  /** HTTP: the proxy's own words, foreign text; SOCKS: the RFC's. At most 80 characters. */
  readonly text: string;
}

/** How one port was reached through a proxy, or not. */
export interface ProxyReach {
  readonly port: number;
  readonly verdict: ProxyVerdict;
  /** Why, in words, one line; with foreign text in it. */
  readonly reason: string;
  /** In order; the last is the one where it ended. */
  readonly phases: readonly ProxyPhase[];
  /** Null where none came. */
  readonly answer: ProxyAnswer | null;
  /** Of the end behind the proxy; null where no handshake was done. */
  readonly tls: TlsAnswer | null;
  /** Of the proxy itself. */
  readonly proxyTls: TlsAnswer | null;
}
