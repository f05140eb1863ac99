/** What ping counts, and how it says so. Times are whole microseconds, as ping has them. */
export interface PingStatistics {
  /** A probe was handed to the kernel, which may have refused it. `atMs`: monotonic milliseconds. */
  transmitted(atMs: number): void;
  /** A probe was answered, well or badly. `sequence`: from 1. */
  acknowledged(sequence: number): void;
  received(rttMs: number | undefined): void;
  duplicate(rttMs: number | undefined): void;
  error(): void;
  readonly counts: Readonly<PingCounts>;
  /** The block at the end, from its empty line on. */
  summary(host: string, options: SummaryOptions): string;
  /** The line for SIGQUIT. */
  status(): string;
}

interface PingCounts {
  transmitted: number;
  received: number;
  duplicates: number;
  errors: number;
}

interface SummaryOptions {
  /** Times are told at all. */
  readonly isTimed: boolean;
  /** Flood and adaptive pings tell their pace too. */
  readonly tellsPace: boolean;
}

export function createPingStatistics(): PingStatistics {
  const counts: PingCounts = { transmitted: 0, received: 0, duplicates: 0, errors: 0 };
  let firstMs = 0;
  let lastMs = 0;
  let measured = 0;
  let sumUs = 0;
  let squares = 0;
  let leastUs = Number.POSITIVE_INFINITY;
  let mostUs = 0;
  /** Eight times the smoothed round trip time (RFC 6298's way, with gain 1/8). */
  let smoothed8Us = 0;
  /** The most probes that were under way at once. */
  let pipe = 0;

  const measure = (rttMs: number | undefined): void => {
    if (rttMs === undefined) return;
    const us = Math.max(0, Math.round(rttMs * 1000));
    measured += 1;
    sumUs += us;
    squares += us * us;
    leastUs = Math.min(leastUs, us);
    mostUs = Math.max(mostUs, us);
    smoothed8Us = smoothed8Us === 0 ? us * 8 : smoothed8Us + us - Math.trunc(smoothed8Us / 8);
  };

  const averageUs = (): number => Math.trunc(sumUs / measured);

  /** Population standard deviation: the root of the mean of squares less the square of the mean. */
  const deviationUs = (): number => {
    const variance = Math.trunc((squares - Math.trunc((sumUs * sumUs) / measured)) / measured);
    return Math.trunc(Math.sqrt(Math.max(0, variance)));
  };

  const lossPercent = (): number => ((counts.transmitted - counts.received) * 100) / counts.transmitted;

  return {
    counts,
    transmitted(atMs) {
      if (counts.transmitted === 0) firstMs = atMs;
      lastMs = atMs;
      counts.transmitted += 1;
    },
    acknowledged(sequence) {
      pipe = Math.max(pipe, counts.transmitted - sequence + 1);
    },
    received(rttMs) {
      counts.received += 1;
      measure(rttMs);
    },
    duplicate(rttMs) {
      counts.duplicates += 1;
      measure(rttMs);
    },
    error() {
      counts.errors += 1;
    },
    summary(host, { isTimed, tellsPace }) {
      const { transmitted, received, duplicates, errors } = counts;
      const parts = [`${transmitted} packets transmitted, ${received} received`];
      if (duplicates > 0) parts.push(`+${duplicates} duplicates`);
      if (errors > 0) parts.push(`+${errors} errors`);
      if (transmitted > 0) {
        parts.push(`${shortNumber(lossPercent())}% packet loss`, `time ${Math.round(lastMs - firstMs)}ms`);
      }
      const last: string[] = [];
      if (received > 0 && isTimed && measured > 0) {
        const times = [leastUs, averageUs(), mostUs, deviationUs()].map(thousandths).join("/");
        last.push(`rtt min/avg/max/mdev = ${times} ms`);
      }
      if (pipe > 1) last.push(`pipe ${pipe}`);
      if (received > 0 && tellsPace && transmitted > 1) {
        const gapUs = Math.trunc(((lastMs - firstMs) * 1000) / (transmitted - 1));
        last.push(`ipg/ewma ${thousandths(gapUs)}/${thousandths(Math.trunc(smoothed8Us / 8))} ms`);
      }
      return `\n--- ${host} ping statistics ---\n${parts.join(", ")}\n${last.join(", ")}\n`;
    },
    status() {
      const { transmitted, received } = counts;
      const loss = transmitted === 0 ? 0 : Math.trunc(lossPercent());
      const times = [leastUs, averageUs(), Math.trunc(smoothed8Us / 8), mostUs].map(thousandths).join("/");
      const tail = received > 0 && measured > 0 ? `, min/avg/ewma/max = ${times} ms` : "";
      return `\r${received}/${transmitted} packets, ${loss}% loss${tail}\n`;
    },
  };
}

/** Milliseconds as ping shows them behind `time=`: fewer digits the longer it took. */
export function timeText(rttMs: number): string {
  const us = Math.max(0, Math.round(rttMs * 1000));
  if (us >= 100_000 - 50) return String(Math.trunc((us + 500) / 1000));
  if (us >= 10_000 - 5) return (Math.trunc((us + 50) / 100) / 10).toFixed(1);
  if (us >= 1000) return (Math.trunc((us + 5) / 10) / 100).toFixed(2);
  return thousandths(us);
}

/** Microseconds as milliseconds with three digits. */
function thousandths(us: number): string {
  return `${Math.trunc(us / 1000)}.${String(Math.trunc(us % 1000)).padStart(3, "0")}`;
}

/** As printf's `%g`: six digits that count, no zeros behind them. */
function shortNumber(value: number): string {
  if (value !== 0 && value < 1e-4) {
    const [mantissa = "", exponent = ""] = value.toExponential(5).split("e");
    return `${Number(mantissa)}e-${exponent.slice(1).padStart(2, "0")}`;
  }
  return String(Number(value.toPrecision(6)));
}
