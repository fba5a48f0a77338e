/**
 * Which requests a replica has seen before, for those that would do harm if done twice.
 *
 * A mint that comes again long after its write was overwritten would make the old value rise, so a replica remembers
 * the last requests of each sender, and takes nothing older. Senders never use an id twice and count upward.
 * Ring: decisions.
 */
import type { Address } from './step.ts'

/** Requests remembered for each sender. */
const REMEMBERED = 1_024

interface Sender {
  readonly ids: Set<number>
  /** The highest id that is not remembered any more. */
  floor: number
}

export class ReplayGuard {
  readonly #senders = new Map<Address, Sender>()

  /** Takes note of a request. `again`: it came before. `ancient`: too old to tell, so not to be done. */
  note(from: Address, id: number): 'new' | 'again' | 'ancient' {
    let sender = this.#senders.get(from)
    if (sender === undefined) {
      sender = { ids: new Set(), floor: -1 }
      this.#senders.set(from, sender)
    }
    const { ids } = sender
    if (ids.has(id)) return 'again'
    if (id <= sender.floor) return 'ancient'
    ids.add(id)
    if (ids.size > REMEMBERED) {
      for (const oldest of ids) {
        ids.delete(oldest)
        sender.floor = Math.max(sender.floor, oldest)
        break
      }
    }
    return 'new'
  }

  /** The sender is gone for good, and its address is not used again. */
  forget(from: Address): void {
    this.#senders.delete(from)
  }
}

/** Operations remembered, whatever their keys. */
const RETRIED_MAX = 65_536

/**
 * Operations that were minted by a retry. The first request may still be on its way, held up on another link, and come
 * when the record has forgotten the write; it must not be taken then. Requests to an earlier run of the replica are
 * refused as such, so nothing of this has to be on disk.
 */
export class Retried {
  readonly #stamps = new Map<number, number>()
  /** The highest stamp that was forgotten. */
  #floor = 0

  note({ op, at }: { readonly op: number; readonly at: number }): void {
    this.#stamps.set(op, at)
    if (this.#stamps.size <= RETRIED_MAX) return
    for (const [oldest, stamp] of this.#stamps) {
      this.#stamps.delete(oldest)
      this.#floor = Math.max(this.#floor, stamp)
      break
    }
  }

  /** Whether a retry of this operation was, or may have been, minted. */
  has({ op, at }: { readonly op: number; readonly at: number }): boolean {
    return this.#stamps.has(op) || at <= this.#floor
  }
}
