import type { Duplex } from "node:stream";
import type { Endpoint, IpAddress } from "../address.ts";
import { type Dialled, dialProxy } from "./dial.ts";
import { exchange, type Patience } from "./exchange.ts";
import {
  connectRequest,
  type ProxyCredentials,
  type ProxyDestination,
  readConnectAnswer,
  withoutSecrets,
} from "./http-connect.ts";
import type { ProxyAnswer, ProxyPhase, ProxyPhaseName, ProxyReach } from "./result.ts";
import {
  describeSocksReply,
  greeting,
  login,
  METHOD,
  readLogin,
  readMethod,
  readSocksReply,
  socksRequest,
} from "./socks5.ts";
import { endTls, startTls, type TlsAnswer } from "./tls.ts";
import {
  certificateWords,
  httpWords,
  type Judgement,
  judgeFailure,
  judgeHttp,
  judgeSocks,
  judgeTls,
  seconds,
} from "./words.ts";

/** A proxy that is to be asked. */
export interface ProxyServer {
  /** `http`: CONNECT in the clear; `https`: inside of TLS; `socks5`: RFC 1928. */
  readonly protocol: "http" | "https" | "socks5";
  /** As it was given, for its certificate. */
  readonly name: string;
  readonly endpoint: Endpoint;
  /** A field has at most 255 octets. */
  readonly credentials?: ProxyCredentials;
}

/** One port of a host to reach through a proxy. */
export interface ProxyReachRequest {
  readonly proxy: ProxyServer;
  /** A name, in ASCII and at most 255 octets, is resolved by the proxy. */
  readonly destination: ProxyDestination;
  /** The name for SNI and for the certificate; a literal address is not sent. */
  readonly host: string;
  /** Whether to try a TLS handshake through the tunnel. */
  readonly tls: boolean;
  /** Milliseconds, for each phase. */
  readonly timeoutMs: number;
  /** Milliseconds for the connection to the proxy; default: `timeoutMs`. */
  readonly connectTimeoutMs?: number;
  /** The address to connect to the proxy from. */
  readonly source?: IpAddress;
  readonly signal: AbortSignal;
  /** Called at the end of each phase. */
  readonly onPhase?: (phase: ProxyPhase) => void;
}

/**
 * Asks a proxy for a connection to one port of a host, and speaks TLS through it where that is asked for. One connection,
 * closed at the end. Rejects for nothing that a proxy or the network can do.
 */
export async function reachThroughProxy(request: ProxyReachRequest): Promise<ProxyReach> {
  const { proxy, signal, timeoutMs } = request;
  const phases: ProxyPhase[] = [];
  const attempt: Attempt = { request, patience: { timeoutMs, signal }, answer: null, tls: null, proxyTls: null };
  const timed: Timed = async (name, work, isDone) => {
    const startedMs = performance.now();
    const result = await work;
    const phase = { name, ms: performance.now() - startedMs, isDone: isDone(result) };
    phases.push(phase);
    request.onPhase?.(phase);
    return result;
  };
  // Loaded on need, and before anything is timed.
  const { connect } = await import("node:net");
  if (request.tls || proxy.protocol === "https") await import("node:tls");
  const connectTimeoutMs = request.connectTimeoutMs ?? timeoutMs;
  const dialling = dialProxy(connect, proxy.endpoint, request.source, { timeoutMs: connectTimeoutMs, signal });
  const dialled = await timed("connect-proxy", dialling, isDone);
  let judgement: Judgement;
  if (dialled.state === "done") {
    try {
      judgement = await talk(dialled.socket, attempt, timed);
    } finally {
      dialled.socket.destroy();
    }
  } else judgement = judgeDial(dialled, connectTimeoutMs);
  const { answer, tls, proxyTls } = attempt;
  const { verdict } = judgement;
  const reason = withoutSecrets(judgement.reason, proxy.credentials);
  return { port: request.destination.port, verdict, reason, phases, answer, tls, proxyTls };
}

interface Attempt {
  readonly request: ProxyReachRequest;
  readonly patience: Patience;
  answer: ProxyAnswer | null;
  tls: TlsAnswer | null;
  proxyTls: TlsAnswer | null;
}

type Timed = <T>(name: ProxyPhaseName, work: Promise<T>, isDone: (result: T) => boolean) => Promise<T>;

const isDone = ({ state }: { readonly state: string }): boolean => state === "done";

function judgeDial(dialled: Exclude<Dialled, { readonly state: "done" }>, timeoutMs: number): Judgement {
  switch (dialled.state) {
    case "stopped":
      return { verdict: "abandoned", reason: "stopped" };
    case "silent":
      return { verdict: "no-proxy", reason: `no connection to the proxy within ${seconds(timeoutMs)}` };
    case "failed":
      return { verdict: "no-proxy", reason: `no connection to the proxy (${dialled.errno ?? "refused"})` };
  }
}

async function talk(socket: Duplex, attempt: Attempt, timed: Timed): Promise<Judgement> {
  const { request, patience } = attempt;
  const { protocol, name } = request.proxy;
  let stream = socket;
  if (protocol === "https") {
    const started = await timed("tls-proxy", startTls(socket, name, patience), isDone);
    if (started.state !== "done") {
      const { verdict, reason } = judgeTls(started, name, "", patience.timeoutMs);
      if (verdict === "abandoned") return { verdict, reason };
      const why = started.state === "foreign" ? "what answers is not TLS: try http://" : describe(started.state);
      return { verdict: "faulty", reason: `no TLS with the proxy: ${why}` };
    }
    stream = started.socket;
    attempt.proxyTls = started.answer;
    // A password goes to nobody who cannot prove to be the proxy; curl does not go on at all.
    const { credentials } = request.proxy;
    if (credentials !== undefined && (started.answer.certificate?.problems.length ?? 1) > 0) {
      const whose = certificateWords(started.answer, name);
      return { verdict: "faulty", reason: `no password is given to this proxy: ${whose}` };
    }
  }
  const refusal = await (protocol === "socks5" ? askSocks(stream, attempt, timed) : askHttp(stream, attempt, timed));
  if (refusal !== undefined) return refusal;
  const said = attempt.answer === null ? "" : httpOrSocks(attempt.answer);
  if (!request.tls) {
    const reason = `the proxy says that it is connected (${said}); nothing but its word shows it`;
    return { verdict: "connected", reason };
  }
  const started = await timed("tls", startTls(stream, request.host, patience), isDone);
  if (started.state === "done") {
    attempt.tls = started.answer;
    await endTls(started.socket);
  }
  return judgeTls(started, request.host, said, patience.timeoutMs);
}

function describe(state: string): string {
  return state === "alert" ? "it declines the handshake" : state === "silent" ? "it is silent" : "it is closed";
}

function httpOrSocks({ protocol, code, text }: ProxyAnswer): string {
  return protocol === "http" ? httpWords({ status: code, text }) : `SOCKS reply ${code}, ${text}`;
}

async function askHttp(stream: Duplex, attempt: Attempt, timed: Timed): Promise<Judgement | undefined> {
  const { request, patience } = attempt;
  const { credentials } = request.proxy;
  const asked = exchange(stream, connectRequest(request.destination, credentials), readConnectAnswer, patience);
  const result = await timed("connect", asked, (each) => each.state === "done" && each.value.status < 300);
  if (result.state !== "done") return judgeFailure(result.state, result.begins, "HTTP", patience.timeoutMs);
  const { status, text } = result.value;
  attempt.answer = { protocol: "http", code: status, text: withoutSecrets(text, credentials) };
  const refusal = judgeHttp(result.value, credentials !== undefined);
  return refusal ?? earlyBytes(attempt, result.isFollowed);
}

/** Who speaks before the ClientHello speaks no TLS. */
function earlyBytes({ request, answer }: Attempt, isFollowed: boolean): Judgement | undefined {
  if (!isFollowed || !request.tls || answer === null) return undefined;
  return judgeTls({ state: "foreign", detail: "it speaks first" }, request.host, httpOrSocks(answer), 0);
}

async function askSocks(stream: Duplex, attempt: Attempt, timed: Timed): Promise<Judgement | undefined> {
  const { request, patience } = attempt;
  const greeted = await timed("greet", greet(stream, attempt), (refusal) => refusal === undefined);
  if (greeted !== undefined) return greeted;
  const asked = exchange(stream, socksRequest(request.destination), readSocksReply, patience);
  const result = await timed("connect", asked, (each) => each.state === "done" && each.value === 0);
  if (result.state !== "done") return judgeFailure(result.state, result.begins, "SOCKS 5", patience.timeoutMs);
  attempt.answer = { protocol: "socks5", code: result.value, text: describeSocksReply(result.value) };
  return judgeSocks(result.value) ?? earlyBytes(attempt, result.isFollowed);
}

async function greet(stream: Duplex, { request, patience }: Attempt): Promise<Judgement | undefined> {
  const { credentials } = request.proxy;
  const offered = await exchange(stream, greeting(credentials), readMethod, patience);
  if (offered.state !== "done") return judgeFailure(offered.state, offered.begins, "SOCKS 5", patience.timeoutMs);
  if (offered.value === METHOD.none) return undefined;
  if (offered.value === METHOD.refused) {
    const why =
      credentials === undefined ? "it wants a user and a password, or another way" : "not even with a password";
    return { verdict: "refused", reason: `the proxy takes none of the ways to log in that were offered: ${why}` };
  }
  if (offered.value !== METHOD.password || credentials === undefined) {
    const reason = `the proxy chooses a way to log in that was not offered (method ${offered.value})`;
    return { verdict: "faulty", reason };
  }
  const known = await exchange(stream, login(credentials), readLogin, patience);
  if (known.state !== "done") return judgeFailure(known.state, known.begins, "SOCKS 5", patience.timeoutMs);
  return known.value ? undefined : { verdict: "refused", reason: "the proxy does not take this user and password" };
}
