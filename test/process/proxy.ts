/**
 * Connections between real processes that can be cut: each replica dials each other one through a proxy of its own.
 *
 * What is cut is silent, as in a partition: sockets stay open and nothing passes. Healing closes them, as it ends for
 * connections whose bytes were lost, and new ones pass again.
 */
import { createServer, connect as dial, type AddressInfo, type Server, type Socket } from 'node:net'

class Proxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  constructor(port: number) {
    this.#server = createServer((inner) => {
      const outer = dial(port, '127.0.0.1')
      for (const [from, to] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
        from.on('data', (bytes) => {
          if (!this.#isCut) to.write(bytes)
        })
      }
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    this.#isCut = true
  }

  heal(): void {
    if (!this.#isCut) return
    this.#isCut = false
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** The proxies of everybody who dials: replicas, and clients under names of their own. */
export class Proxies {
  readonly #ports: Readonly<Record<string, number>>
  readonly #proxies = new Map<string, Map<string, Proxy>>()

  /** @param ports where the replicas really listen. */
  constructor(ports: Readonly<Record<string, number>>) {
    this.#ports = ports
  }

  /** The ports that this process dials, for each replica; its own is the real one. */
  async portsFor(name: string): Promise<Record<string, number>> {
    const own = new Map<string, Proxy>()
    this.#proxies.set(name, own)
    const ports: Record<string, number> = {}
    for (const [id, port] of Object.entries(this.#ports)) {
      if (id === name) {
        ports[id] = port
        continue
      }
      const proxy = new Proxy(port)
      own.set(id, proxy)
      ports[id] = await proxy.listen()
    }
    return ports
  }

  /** Nothing passes between members of different sides any more. */
  partition(...sides: readonly (readonly string[])[]): void {
    const sideOf = (id: string): number => sides.findIndex((side) => side.includes(id))
    for (const [from, own] of this.#proxies) {
      for (const [to, proxy] of own) if (sideOf(from) !== sideOf(to)) proxy.cut()
    }
  }

  heal(): void {
    for (const own of this.#proxies.values()) for (const proxy of own.values()) proxy.heal()
  }

  close(): void {
    for (const own of this.#proxies.values()) for (const proxy of own.values()) proxy.close()
  }
}
