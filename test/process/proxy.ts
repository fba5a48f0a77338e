/**
 * Connections between real processes that can be cut: each replica dials each other one through a proxy of its own.
 *
 * What is cut is silent, as in a partition: sockets stay open and nothing passes, in one direction or in both. Healing
 * closes them, as it ends for connections whose bytes were lost, and new ones pass again.
 */
import { createServer, connect as dial, type AddressInfo, type Server, type Socket } from 'node:net'

/** What does not pass: from the one who dials, or to him. */
interface Cut {
  readonly out: boolean
  readonly in: boolean
}

const WHOLE: Cut = { out: false, in: false }

class Proxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cut = WHOLE

  constructor(port: number) {
    this.#server = createServer((inner) => {
      const outer = dial(port, '127.0.0.1')
      this.#pass(inner, outer, 'out')
      this.#pass(outer, inner, 'in')
    })
  }

  #pass(from: Socket, to: Socket, direction: keyof Cut): void {
    this.#sockets.add(from)
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.on('data', (bytes) => {
      if (!this.#cut[direction]) to.write(bytes)
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  cut(cut: Cut): void {
    const before = this.#cut
    this.#cut = cut
    const isHealed = (before.in && !cut.in) || (before.out && !cut.out)
    if (isHealed) for (const socket of this.#sockets) socket.destroy()
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

  /** This one is gone for good. */
  forget(name: string): void {
    for (const proxy of this.#proxies.get(name)?.values() ?? []) proxy.close()
    this.#proxies.delete(name)
  }

  /** From now on just these messages do not arrive, by who sent them and to whom. */
  cut(isCut: (from: string, to: string) => boolean): void {
    for (const [dialer, own] of this.#proxies) {
      for (const [to, proxy] of own) proxy.cut({ out: isCut(dialer, to), in: isCut(to, dialer) })
    }
  }

  /** Nothing passes between members of different sides any more. */
  partition(...sides: readonly (readonly string[])[]): void {
    const sideOf = (id: string): number => sides.findIndex((side) => side.includes(id))
    this.cut((from, to) => sideOf(from) !== sideOf(to))
  }

  heal(): void {
    this.cut(() => false)
  }

  close(): void {
    for (const name of this.#proxies.keys()) this.forget(name)
  }
}
