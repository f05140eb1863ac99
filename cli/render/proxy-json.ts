import { formatAddress, type ProxyPhase, type TlsAnswer } from "../../core/mod.ts";
import { EXIT_MEANINGS } from "../exit-codes.ts";
import { printableJson } from "../printable.ts";
import { type ProxyAttempt, type ProxyEnd, type ProxyHead, proxyExitCode } from "../proxy/result.ts";
import { formatProxy } from "../proxy/url.ts";
import { rounded } from "./formats/run.ts";

/** The document of a run through a proxy. Its shape is promised by docs/schema/proxy-1.json. */
export function proxyDocument(head: ProxyHead, end: ProxyEnd): string {
  const document = {
    schema: "nettrace.proxy/1",
    ...headDocument(head),
    duration_ms: rounded(end.durationMs),
    exit: exitDocument(end),
    attempts: end.attempts.map(attemptDocument),
  };
  return `${printableJson(document)}\n`;
}

export interface ProxyEvents {
  phase(port: number, phase: ProxyPhase): void;
  attempt(attempt: ProxyAttempt): void;
  finish(end: ProxyEnd): void;
}

/** The same as lines, each as soon as it is known. */
export function proxyEvents(head: ProxyHead, write: (line: string) => void): ProxyEvents {
  const put = (event: object): void => write(`${printableJson(event)}\n`);
  put({ type: "run", schema: "nettrace.proxy-events/1", ...headDocument(head) });
  return {
    phase: (port, phase) => put({ type: "phase", port, ...phaseDocument(phase) }),
    attempt: (attempt) => put({ type: "attempt", ...attemptDocument(attempt) }),
    finish: (end) => put({ type: "finished", duration_ms: rounded(end.durationMs), exit: exitDocument(end) }),
  };
}

function headDocument({ plan, proxyAddress, proxyNameMs, targetAddress, targetNameMs, started }: ProxyHead): object {
  const { proxy, host, variable } = plan;
  return {
    target: {
      name: host,
      address: targetAddress === null ? null : formatAddress(targetAddress),
      resolve_ms: rounded(targetNameMs ?? undefined),
    },
    proxy: {
      url: formatProxy(proxy),
      address: formatAddress(proxyAddress),
      port: proxy.port,
      resolve_ms: rounded(proxyNameMs ?? undefined),
      logs_in: proxy.credentials !== undefined,
      variable: variable ?? null,
    },
    path_to_proxy: `nettrace auto ${proxy.host} -p ${proxy.port}`,
    started: started.toISOString(),
  };
}

function exitDocument(end: ProxyEnd): object {
  const code = proxyExitCode(end);
  return { code, meaning: EXIT_MEANINGS[code] ?? null };
}

function attemptDocument({ port, verdict, reason, phases, answer, tls, proxyTls }: ProxyAttempt): object {
  return {
    port,
    verdict,
    reason,
    phases: phases.map(phaseDocument),
    answer: answer === null ? null : { protocol: answer.protocol, code: answer.code, text: answer.text },
    tls: tlsDocument(tls),
    proxy_tls: tlsDocument(proxyTls),
  };
}

function phaseDocument({ name, ms, isDone }: ProxyPhase): object {
  return { phase: name, ms: rounded(ms), done: isDone };
}

function tlsDocument(tls: TlsAnswer | null): object | null {
  if (tls === null) return null;
  const { protocol, cipher, certificate } = tls;
  return { protocol, cipher, certificate: certificate === null ? null : { ...certificate } };
}
