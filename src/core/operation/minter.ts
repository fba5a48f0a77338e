/**
 * Which replica gives a write its dot, and who is asked when that one stays silent.
 *
 * A write's *home* is the replica that is asked first, and the operation's number remembers it, so that a retry through
 * any coordinator goes to the same replica, which knows whether it has minted already. Another is asked only when the
 * home refused, cannot be reached, or was asked three times: only then may one write get two dots.
 * Ring: decisions.
 */
import type { View } from './operation.ts'

const HOMES = 32
const NO_HOME = HOMES - 1
const PATIENCE = 3

/** An operation's number with the position of its home in the key's preference list. */
export function withHome(op: number, home: number): number {
  return op - (op % HOMES) + home
}

/** A number for an operation whose home is left to the first replica of the preference list. */
export function withoutHome(op: number): number {
  return withHome(op, NO_HOME)
}

export class Minter {
  readonly home: number
  #asked = 0
  #timesAtHome = 0

  constructor(home: number) {
    this.home = home
  }

  /** The home of a write that was not sent before: here if possible, else the first that can be reached and is not slow. */
  static fresh(positions: number, view: View): Minter {
    if (view.local >= 0) return new Minter(view.local)
    const good = view.usable & ~view.slow
    return new Minter(first(positions, good === 0 ? view.usable : good) ?? 0)
  }

  /** The home that an earlier attempt chose. */
  static again(positions: number, op: number): Minter {
    const home = op % HOMES
    return new Minter(home < positions ? home : 0)
  }

  /** Whom to ask now; nothing when nobody is left. `refused` are positions that will not. */
  next(positions: number, view: View, refused: number): number | undefined {
    const able = view.usable & ~refused
    if (able & (1 << this.home) && this.#timesAtHome < PATIENCE) {
      this.#timesAtHome++
      this.#asked |= 1 << this.home
      return this.home
    }
    const next = first(positions, able & ~this.#asked) ?? first(positions, able)
    if (next !== undefined) this.#asked |= 1 << next
    return next
  }
}

function first(positions: number, mask: number): number | undefined {
  for (let position = 0; position < positions; position++) if (mask & (1 << position)) return position
  return undefined
}
