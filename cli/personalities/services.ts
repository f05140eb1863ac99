import { readFileSync } from "node:fs";

/** Of hosts without /etc/services, as containers are. */
const WELL_KNOWN: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  pop3: 110,
  ntp: 123,
  imap2: 143,
  https: 443,
};

interface Service {
  readonly port: number;
  readonly protocol: string;
  readonly names: readonly string[];
}

/** getservbyname(3), of any protocol unless one is named. */
export function servicePort(name: string, protocol?: string): number | undefined {
  const services = readServices();
  if (services === undefined) return Object.hasOwn(WELL_KNOWN, name) ? WELL_KNOWN[name] : undefined;
  return services.find((each) => each.names.includes(name) && (protocol ?? each.protocol) === each.protocol)?.port;
}

/** getservbyport(3). */
export function serviceName(port: number, protocol: string): string | undefined {
  const services = readServices();
  if (services === undefined) return Object.entries(WELL_KNOWN).find(([, known]) => known === port)?.[0];
  return services.find((each) => each.port === port && each.protocol === protocol)?.names[0];
}

/** services(5); undefined where the file cannot be read. */
function readServices(): readonly Service[] | undefined {
  let text: string;
  try {
    text = readFileSync("/etc/services", "utf8");
  } catch {
    // Names are a convenience: without the file only the best known are known.
    return undefined;
  }
  return text.split("\n").flatMap((line): Service[] => {
    const found = /^([^\s#]+)\s+(\d{1,5})\/(\w+)([^#]*)/.exec(line);
    if (found === null) return [];
    const [, name = "", port, protocol = "", aliases = ""] = found;
    return [{ port: Number(port), protocol, names: [name, ...aliases.split(/\s+/).filter(Boolean)] }];
  });
}
