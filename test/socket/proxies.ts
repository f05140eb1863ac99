/** Proxies on loopback, honest and hostile, for one connection after the other. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";

/** What a server does with a connection; it has an error handler already. */
export type Conduct = (socket: Socket) => void;

export interface Listener extends Disposable {
  readonly port: number;
  /** How many connections came. */
  readonly connections: number;
}

function listener(server: Server): Promise<Listener> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        get connections() {
          return connections;
        },
        [Symbol.dispose]() {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}

export const listen = (conduct: Conduct): Promise<Listener> => listener(createServer(conduct));

export interface Pem {
  readonly key: string;
  readonly cert: string;
}

/** A key and a certificate for `target.lab.example`, signed by itself. */
export function makePem(): Pem {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-pem-"));
  try {
    const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
    const { status, stderr } = spawnSync(
      "openssl",
      [...request, "-subj", "/CN=target.lab.example", "-keyout", key, "-out", cert],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`Cannot make a certificate: ${stderr}`);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A TLS server. `name` becomes what the first whole handshake has as SNI, or false. */
export async function listenTls(
  pem: Pem,
  conduct: (socket: TLSSocket) => void = () => undefined,
): Promise<Listener & { readonly name: Promise<string | false> }> {
  let hear: (name: string | false) => void = () => undefined;
  const name = new Promise<string | false>((resolve) => {
    hear = resolve;
  });
  const server = createTlsServer(pem, (socket) => {
    socket.on("error", () => socket.destroy());
    hear((socket as TLSSocket & { readonly servername?: string | false }).servername || false);
    conduct(socket);
  });
  server.on("tlsClientError", () => undefined);
  const { port, connections, [Symbol.dispose]: dispose } = await listener(server);
  return { port, connections, name, [Symbol.dispose]: dispose };
}

/** Waits for the request, and does this then. */
export const afterRequest =
  (then: (socket: Socket, request: Buffer) => void): Conduct =>
  (socket) => {
    socket.once("data", (request: Buffer) => then(socket, request));
  };

export const answering = (text: string): Conduct => afterRequest((socket) => socket.write(Buffer.from(text, "latin1")));

/** Writes until the other end goes away. */
export function flood(socket: Socket, chunk: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", more);
  more();
}

/** Joins a connection to one of this machine's ports. */
export function joinTo(socket: Socket, port: number, before?: string): void {
  const other = connect(port, "127.0.0.1", () => {
    if (before !== undefined) socket.write(before);
    socket.pipe(other);
    other.pipe(socket);
  });
  other.on("error", () => socket.destroy());
  socket.on("close", () => other.end());
}

/** A SOCKS server that gives these answers in turn, and hears what it was asked. */
export function scripted(answers: readonly (readonly number[])[], heard: Buffer[] = []): Conduct {
  return (socket) => {
    let turn = 0;
    socket.on("data", (request: Buffer) => {
      heard.push(request);
      const answer = answers[turn++];
      if (answer !== undefined) socket.write(Uint8Array.from(answer));
    });
  };
}
