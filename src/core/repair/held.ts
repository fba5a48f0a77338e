/**
 * Since when this replica holds what it was asked about, by its own clock that never goes back.
 *
 * The time begins when somebody asks first, since nobody remembers more, and it begins anew with every change of the
 * record and with every process. A clock that is set wrong changes nothing about it.
 * The caller's duty: `changed` for each write and erasure.
 * Ring: decisions.
 */
import type { HeldKey } from './reap-message.ts'

interface Held {
  readonly digest: number
  readonly sinceMs: number
}

/** Keys about which it is remembered. For more than that nobody is told that they are held. */
const HELD_MAX = 65_536

export class HeldKeys {
  readonly #held = new Map<number, Map<string, Held>>()
  readonly #max: number
  #count = 0

  constructor(max: number = HELD_MAX) {
    this.#max = max
  }

  get size(): number {
    return this.#count
  }

  /** This is what is held now. Gives for how long, or -1 if there is no room to remember it. */
  ask({ keyspace, key, digest }: HeldKey, nowMs: number): number {
    const held = this.heldMs({ keyspace, key, digest }, nowMs)
    if (held >= 0) return held
    this.changed(keyspace, key)
    if (this.#count >= this.#max) return -1
    let keys = this.#held.get(keyspace)
    if (keys === undefined) this.#held.set(keyspace, (keys = new Map<string, Held>()))
    keys.set(key, { digest, sinceMs: nowMs })
    this.#count++
    return 0
  }

  /** For how long this was held without a change; -1 if nobody asked, or for another digest. */
  heldMs({ keyspace, key, digest }: HeldKey, nowMs: number): number {
    const held = this.#held.get(keyspace)?.get(key)
    return held?.digest === digest ? nowMs - held.sinceMs : -1
  }

  /** The record is another now. */
  changed(keyspace: number, key: string): void {
    if (this.#count > 0 && this.#held.get(keyspace)?.delete(key) === true) this.#count--
  }

  /** Forgets what was asked about first before this time: those who asked have gone, or ask again. */
  forget(beforeMs: number): void {
    for (const keys of this.#held.values()) {
      for (const [key, { sinceMs }] of keys) {
        if (sinceMs >= beforeMs) break
        keys.delete(key)
        this.#count--
      }
    }
  }
}
