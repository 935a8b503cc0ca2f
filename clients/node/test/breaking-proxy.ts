/** A proxy that loses connections. */

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Forwards connections to a server, until it is told to break them. */
export class BreakingProxy {
  target = "";
  readonly #sockets = new Set<Socket>();
  readonly #server;

  constructor(target: string) {
    const [host, port] = target.split(":");
    this.#server = createServer((client) => {
      const server = connect(Number(port), host);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
      }
      client.pipe(server).pipe(client);
    });
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as { port: number };
    this.target = `127.0.0.1:${port}`;
    return this;
  }

  breakConnections(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#sockets.clear();
  }

  close(): void {
    this.breakConnections();
    this.#server.close();
  }
}
