/**
 * Hears what all processes of a campaign tell, keeps it as a history, and guards the resource that only one of them may
 * use at a time.
 */
import type { HistoryLine } from '../../../src/check/index.ts'
import { FenceGate, QuorateError, type FenceStorage, type Leader } from '../../../src/index.ts'
import type { Told } from './holder.ts'
import { nowMs } from './time.ts'

/** An acknowledgement by a leader, or by the holder of a lock. */
export interface Ack {
  readonly node: string
  readonly term: number
  readonly start: number
  readonly time: number
}

/** What became of the late acts of former holders. */
export interface LateActs {
  refusedByReplicas: number
  refusedByGate: number
  /** By replicas, where nobody had acted since. */
  accepted: number
}

export class Witness {
  readonly lines: HistoryLine[] = []
  readonly late: LateActs = { refusedByReplicas: 0, refusedByGate: 0, accepted: 0 }
  readonly #gate: FenceGate
  readonly #resource: string
  readonly #listeners = new Set<(said: HistoryLine | Told, node: string) => void>()
  readonly #terms = new Set<number>()
  readonly #lateActs = new Set<string>()
  #lastAck: Ack | undefined
  #keyspaceLeader: Leader | undefined

  constructor(resource: string, fences: FenceStorage) {
    this.#resource = resource
    this.#gate = new FenceGate(fences)
  }

  /** How many terms have acknowledged something, or were told of to clients. */
  get terms(): number {
    return this.#terms.size
  }

  /** Who led the keyspace of the clients last, as far as they know. */
  get keyspaceLeader(): Leader | undefined {
    return this.#keyspaceLeader
  }

  /** A client was told who leads the keyspace. */
  led(group: string, leader: Leader): void {
    if (leader.generation <= (this.#keyspaceLeader?.generation ?? 0)) return
    this.#keyspaceLeader = leader
    this.#terms.add(leader.generation)
    this.lines.push({ type: 'elected', group, node: leader.id, term: leader.generation, time: nowMs() })
  }

  get lastAck(): Ack | undefined {
    return this.#lastAck
  }

  /** @param node who says it. */
  hear(said: HistoryLine | Told, node: string): void {
    if (said.type === 'use') this.#use(said.token)
    else if (said.type === 'late') this.#heardLate(node, said)
    else if (said.type !== 'ready') this.lines.push(said)
    if (said.type === 'ack') this.#heardAck(said)
    for (const listener of this.#listeners) listener(said, node)
  }

  /** The first acknowledgement from now on that is of this kind. */
  nextAck(isThis: (ack: Ack) => boolean): Promise<Ack> {
    return this.#next((said) => (said.type === 'ack' && isThis(said) ? said : undefined))
  }

  /** Waits until this one has told what became of its late act under this token. */
  async lateAct(node: string, token: number): Promise<void> {
    if (this.#lateActs.has(lateAct(node, token))) return
    await this.#next((said, by) => (by === node && said.type === 'late' && said.token === token ? true : undefined))
  }

  #heardAck(ack: Ack): void {
    this.#terms.add(ack.term)
    // A late one is told after those of newer terms.
    if (ack.term >= (this.#lastAck?.term ?? 0)) this.#lastAck = ack
  }

  #heardLate(node: string, { token, accepted }: { readonly token: number; readonly accepted: boolean }): void {
    this.late[accepted ? 'accepted' : 'refusedByReplicas']++
    this.#lateActs.add(lateAct(node, token))
  }

  #next<Found>(find: (said: HistoryLine | Told, node: string) => Found | undefined): Promise<Found> {
    return new Promise((resolve) => {
      const listener = (said: HistoryLine | Told, node: string): void => {
        const found = find(said, node)
        if (found === undefined) return
        this.#listeners.delete(listener)
        resolve(found)
      }
      this.#listeners.add(listener)
    })
  }

  #use(token: number): void {
    let accepted = true
    try {
      this.#gate.check(this.#resource, token)
    } catch (error) {
      if (!(error instanceof QuorateError) || error.code !== 'QUORATE_FENCED') throw error
      accepted = false
      this.late.refusedByGate++
    }
    this.lines.push({ type: 'guarded', lock: this.#resource, token, accepted, time: nowMs() })
  }
}

function lateAct(node: string, token: number): string {
  return `${node}:${token}`
}
