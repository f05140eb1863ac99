import type { Failure } from "./exchange.ts";
import type { HttpAnswer } from "./http-connect.ts";
import type { ProxyVerdict } from "./result.ts";
import { describeSocksReply } from "./socks5.ts";
import type { TlsAnswer, TlsStarted } from "./tls.ts";

/** A verdict with its reason. */
export interface Judgement {
  readonly verdict: ProxyVerdict;
  readonly reason: string;
}

/** Squid and its kin answer 500 to 504 where they cannot reach a host; everything else is their own will. */
const CANNOT_REACH = new Set([500, 502, 503, 504]);

/** Undefined where the tunnel is open. */
export function judgeHttp(answer: HttpAnswer, isLoggingIn: boolean): Judgement | undefined {
  const { status, schemes, fault } = answer;
  if (status < 300) return undefined;
  const said = `the proxy answers ${httpWords(answer)}${fault === undefined ? "" : ` (${fault})`}`;
  // tinyproxy answers 401 to a wrong password.
  if (status === 407 || status === 401) {
    const wanted = schemes.length === 0 ? "" : ` (it offers ${schemes.join(", ")}; nettrace knows Basic)`;
    const why = isLoggingIn ? "it does not take this user and password" : "it wants a user and a password";
    return { verdict: "refused", reason: `${said}: ${why}${wanted}` };
  }
  if (CANNOT_REACH.has(status)) return { verdict: "failed", reason: `${said}: it cannot reach the host` };
  return { verdict: "refused", reason: `${said}: it opens no tunnel` };
}

export function httpWords({ status, text }: Pick<HttpAnswer, "status" | "text">): string {
  return text === "" ? String(status) : `${status} ${text}`;
}

/** RFC 1928 §6: 2, 7 and 8 are the proxy's will or limits, the rest is what it met. */
export function judgeSocks(code: number): Judgement | undefined {
  if (code === 0) return undefined;
  const reason = `the proxy answers: ${describeSocksReply(code)} (reply ${code})`;
  return { verdict: [2, 7, 8].includes(code) ? "refused" : "failed", reason };
}

const KNOWN = [
  { begins: [0x48, 0x54, 0x54, 0x50, 0x2f], hint: "it speaks HTTP: try http://" },
  { begins: [0x05], hint: "it may be a SOCKS proxy: try socks5h://" },
  { begins: [0x15, 0x03], hint: "it speaks TLS: try https://" },
] as const;

/** How it ended where no answer of the protocol came. `what`: such as `HTTP`. */
export function judgeFailure(state: Failure, begins: Uint8Array, what: string, timeoutMs: number): Judgement {
  switch (state) {
    case "stopped":
      return { verdict: "abandoned", reason: "stopped" };
    case "silent":
      return { verdict: "silent", reason: `the proxy does not answer within ${seconds(timeoutMs)}${partly(begins)}` };
    case "closed": {
      const before = begins.length === 0 ? "without an answer" : "in the middle of its answer";
      return { verdict: "faulty", reason: `the proxy closes the connection ${before}` };
    }
    case "too-long":
      return { verdict: "faulty", reason: `the answer of the proxy has no end: 64 KiB of ${what} were read` };
    case "foreign": {
      const hint = KNOWN.find((known) => known.begins.every((octet, at) => begins[at] === octet))?.hint;
      const text = new TextDecoder().decode(begins.subarray(0, 24));
      const reason = `what answers is no ${what} proxy: it begins ${JSON.stringify(text)}`;
      return { verdict: "faulty", reason: hint === undefined ? reason : `${reason}; ${hint}` };
    }
  }
}

function partly(begins: Uint8Array): string {
  return begins.length === 0 ? "" : ": only a part of an answer came";
}

export function seconds(ms: number): string {
  return `${Math.round(ms) / 1000} s`;
}

/** The handshake through the tunnel. `said`: what the proxy answered. */
export function judgeTls(started: TlsStarted, name: string, said: string, timeoutMs: number): Judgement {
  const unproven = (why: string): Judgement => ({
    verdict: "unproven",
    reason: `the proxy says that it is connected (${said}), but no TLS comes through: ${why}`,
  });
  switch (started.state) {
    case "done":
      return { verdict: "reached", reason: `${started.answer.protocol}; ${certificateWords(started.answer, name)}` };
    case "alert":
      return { verdict: "reached", reason: `an end answers TLS, and declines the handshake: ${started.alert}` };
    case "foreign":
      return unproven(`what answers is not TLS (${started.detail})`);
    case "closed":
      return unproven("it is closed");
    case "silent":
      return unproven(`silent for ${seconds(timeoutMs)}`);
    case "stopped":
      return { verdict: "abandoned", reason: "stopped" };
  }
}

/** Whose the certificate is. Only one without a problem shows that the end is the host that was asked for. */
export function certificateWords({ certificate }: TlsAnswer, name: string): string {
  if (certificate === null) return "no certificate";
  const { subject, issuer, problems } = certificate;
  const by = issuer === null ? "" : `, issued by ${issuer}`;
  if (problems.length === 0) return `the certificate is in order for ${name}${by}`;
  return `the certificate (${subject ?? "of nobody"}${by}) does not prove that it is ${name}: ${problems.join(", ")}`;
}
