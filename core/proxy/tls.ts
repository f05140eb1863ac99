import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { parseAddress } from "../address.ts";
import type { Patience } from "./exchange.ts";
import { short } from "./parsed.ts";

/** The certificate at the other end, in its own words: foreign text, at most 80 characters each. */
export interface ProxyCertificate {
  readonly subject: string | null;
  readonly issuer: string | null;
  /** Why it proves nothing about the name that was asked for, in words; empty where it is in order. */
  readonly problems: readonly string[];
}

/** A TLS handshake that was done. */
export interface TlsAnswer {
  /** Such as `TLSv1.3`. */
  readonly protocol: string;
  readonly cipher: string | null;
  readonly certificate: ProxyCertificate | null;
}

export type TlsStarted =
  | { readonly state: "done"; readonly socket: TLSSocket; readonly answer: TlsAnswer }
  /** The other end speaks TLS, and declines: which alert, in words. */
  | { readonly state: "alert"; readonly alert: string }
  /** What came is no TLS that is understood here: why, in the library's words. */
  | { readonly state: "foreign"; readonly detail: string }
  | { readonly state: "closed" | "silent" | "stopped" };

/**
 * A TLS handshake over a stream. `name` is for SNI and for the certificate; an address is not sent (RFC 6066 §3). No
 * certificate is fatal: it is told. Never rejects.
 */
export async function startTls(stream: Duplex, name: string, { timeoutMs, signal }: Patience): Promise<TlsStarted> {
  const { checkServerIdentity, connect } = await import("node:tls");
  return new Promise((resolve) => {
    let socket: TLSSocket | undefined;
    const end = (result: TlsStarted): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket?.off("secureConnect", done);
      resolve(result);
    };
    const done = (): void => {
      if (socket !== undefined) end({ state: "done", socket, answer: answerOf(socket, name, checkServerIdentity) });
    };
    const stop = (): void => end({ state: "stopped" });
    const fail = (error: unknown): void => end(readFailure(error));
    const timer = setTimeout(() => end({ state: "silent" }), timeoutMs);
    signal.addEventListener("abort", stop);
    if (signal.aborted) return stop();
    if (stream.destroyed || stream.readableEnded) return end({ state: "closed" });
    try {
      const sni = parseAddress(name) === undefined ? { servername: name } : {};
      const made = connect({ socket: stream, rejectUnauthorized: false, checkServerIdentity: () => undefined, ...sni });
      socket = made;
      made.on("error", fail).on("secureConnect", done);
      made.on("close", () => end({ state: "closed" }));
    } catch (error) {
      fail(error);
    }
  });
}

/** What a goodbye may take, milliseconds. */
const GOODBYE_MS = 250;

/** Lets our last message of the handshake and the close leave, so that the other end need not log a broken handshake. */
export function endTls(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    };
    const timer = setTimeout(end, GOODBYE_MS);
    socket.once("close", end);
    socket.end(end);
  });
}

function readFailure(error: unknown): TlsStarted {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const [, alert] = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|TLS)_ALERT_([A-Z_]{1,60})$/.exec(code) ?? [];
  if (alert !== undefined) return { state: "alert", alert: words(alert) };
  const [, detail] = /^ERR_SSL_([A-Z0-9_]{1,60})$/.exec(code) ?? [];
  return detail === undefined ? { state: "closed" } : { state: "foreign", detail: words(detail) };
}

function words(code: string): string {
  return code.toLowerCase().replaceAll("_", " ");
}

/** X.509's codes, as OpenSSL and BoringSSL name them. */
const PROBLEMS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is not one that nettrace knows",
  UNABLE_TO_GET_ISSUER_CERT: "its authority is not one that nettrace knows",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its authority is not one that nettrace knows",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is not one that nettrace knows",
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not yet valid",
  CERT_REVOKED: "it was revoked",
};
const WRONG_NAME = "it is for another name";

type IdentityCheck = typeof import("node:tls").checkServerIdentity;

function answerOf(socket: TLSSocket, name: string, check: IdentityCheck): TlsAnswer {
  const cipher: string | undefined = socket.getCipher()?.name;
  return {
    protocol: short(socket.getProtocol() ?? "TLS"),
    cipher: cipher ?? null,
    certificate: certificateOf(socket, name, check),
  };
}

/** Null where there is none, or the library can make nothing of it. */
function certificateOf(socket: TLSSocket, name: string, check: IdentityCheck): ProxyCertificate | null {
  try {
    const certificate = socket.getPeerCertificate();
    if (certificate === null || Object.keys(certificate).length === 0) return null;
    const problems: string[] = [];
    const chain = codeOf(socket.authorizationError);
    if (chain !== undefined) problems.push(PROBLEMS[chain] ?? words(short(chain)));
    else if (!socket.authorized) problems.push("it is not trusted");
    if (check(name, certificate) !== undefined) problems.push(WRONG_NAME);
    const { subject, issuer } = certificate;
    return { subject: nameOf(subject), issuer: nameOf(issuer), problems };
  } catch (error) {
    return { subject: null, issuer: null, problems: [`it cannot be read (${short(String(error))})`] };
  }
}

/** Its types promise an Error; the runtimes give a code. */
function codeOf(error: unknown): string | undefined {
  if (error === null || error === undefined) return undefined;
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return code === "ERR_TLS_CERT_ALTNAME_INVALID" ? undefined : code;
}

function nameOf(owner: unknown): string | null {
  if (typeof owner !== "object" || owner === null) return null;
  const fields = new Map<string, unknown>(Object.entries(owner));
  const name = fields.get("CN") ?? fields.get("O");
  return name === undefined ? null : short(Array.isArray(name) ? name.join(", ") : String(name));
}
