/**
 * The network between replica processes: each dials each other one through a proxy of this process, which can cut a
 * direction, slow it and mend it.
 *
 * Clients of the cluster dial the replicas themselves: faults are between replicas.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { invalid } from '../core/base/errors.ts'
import { HOST } from './cluster-plan.ts'
import { OPEN, Way, type Condition } from './link-way.ts'

export interface LinkStatus extends Condition {
  readonly from: string
  readonly to: string
  readonly heldBytes: number
  readonly passedBytes: number
}

export class Links {
  readonly #ways = new Map<string, Way>()
  readonly #proxies = new Map<string, Proxy>()

  /** @param replicas with the ports on which they listen. */
  constructor(replicas: readonly { readonly id: string; readonly port: number }[]) {
    const pairs = replicas.flatMap((from) => replicas.filter((to) => to !== from).map((to) => ({ from, to })))
    for (const { from, to } of pairs) {
      this.#ways.set(nameOf(from.id, to.id), new Way({ from: from.id, to: to.id }))
    }
    for (const { from, to } of pairs) {
      const there = this.#way(from.id, to.id)
      const back = this.#way(to.id, from.id)
      this.#proxies.set(nameOf(from.id, to.id), new Proxy(to.port, { there, back }))
    }
  }

  async listen(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.listen()))
  }

  /** Where a replica dials another. */
  urlFor(from: string, to: string): string {
    return `ws://${HOST}:${this.#proxies.get(nameOf(from, to))?.port}`
  }

  get status(): readonly LinkStatus[] {
    return [...this.#ways.values()].map(({ from, to, condition, heldBytes, passedBytes }) => {
      return { from, to, ...condition, heldBytes, passedBytes }
    })
  }

  /** Sets one direction. Throws `QUORATE_INVALID_OPTION` where there is none. */
  set(from: string, to: string, condition: Condition): void {
    this.#way(from, to).condition = condition
  }

  /** Cuts whatever crosses from one side to another. Replicas that no side names stand alone together. */
  partition(sides: readonly (readonly string[])[]): void {
    const sideOf = (id: string): number => sides.findIndex((side) => side.includes(id))
    for (const way of this.#ways.values()) {
      const isCut = sideOf(way.from) !== sideOf(way.to)
      way.condition = { ...way.condition, isCut }
    }
  }

  heal(): void {
    for (const way of this.#ways.values()) way.condition = OPEN
  }

  close(): void {
    for (const proxy of this.#proxies.values()) proxy.close()
  }

  #way(from: string, to: string): Way {
    const way = this.#ways.get(nameOf(from, to))
    if (way === undefined) throw invalid(`there is no link from ${JSON.stringify(from)} to ${JSON.stringify(to)}`)
    return way
  }
}

/** Takes the connections that one replica makes to another. */
class Proxy {
  port = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(target: number, ways: { readonly there: Way; readonly back: Way }) {
    this.#server = createServer((inner) => {
      const outer = connect({ host: HOST, port: target })
      for (const socket of [inner, outer]) {
        this.#sockets.add(socket)
        socket.setNoDelay(true)
        socket.once('close', () => this.#sockets.delete(socket))
      }
      ways.there.carry(inner, outer)
      ways.back.carry(outer, inner)
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: HOST, port: 0 }, resolve)
    })
    this.#server.on('error', () => {})
    this.port = (this.#server.address() as AddressInfo).port
    this.#server.unref()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

function nameOf(from: string, to: string): string {
  return `${from} ${to}`
}
