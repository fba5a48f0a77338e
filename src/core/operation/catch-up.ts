/**
 * When a replica that may have forgotten writes has them again: the rule for one preference list.
 *
 * A write was acknowledged by a write quorum. If this replica was needed in it and has forgotten, the others of that
 * quorum have the write. So the replica has caught up with a list once it exchanged with members of every write quorum
 * that it could have been needed in. Where that cannot be, because too many are catching up at once or are gone for
 * good, it is enough to have exchanged with all the others, whatever they know: nobody has more.
 * Ring: values.
 */
import type { KeyspaceDefinition } from '../keyspace-definition.ts'
import { anywhere, layoutOf } from './prove-quorums.ts'
import type { Membership } from '../placement/membership.ts'
import { Placement, type PreferenceList } from '../placement/placement.ts'
import { compile } from '../quorum/compile.ts'
import { count, firstPositions, type Quorum } from '../quorum/quorum.ts'

/** With whom a replica exchanged since it has to catch up, as sets of member indexes. */
export interface Exchanged {
  /** Those that had everything that they should have. */
  readonly whole: number
  /** All of them. */
  readonly all: number
}

interface Part {
  readonly list: PreferenceList
  readonly position: number
  /** Write quorums, as coordinators in each zone see them. */
  readonly writes: readonly Quorum[]
  /** The same of read quorums; of registers, those of the first phase. */
  readonly reads: readonly Quorum[]
}

/** The lists of one keyspace that a replica is on. */
export class CatchUp {
  readonly #parts: readonly Part[]

  constructor(definition: KeyspaceDefinition, membership: Membership, self: number) {
    const lists = new Placement(membership, definition.n).distinct.filter(({ replicas }) => replicas.includes(self))
    this.#parts = lists.map((list) => {
      const layout = layoutOf(list, membership, '')
      const quorums = (level: string): Quorum[] =>
        anywhere(level, layout).map((text) => compile(text, { names: layout.replicas }))
      const { read, write } = definition
      return { list, position: list.replicas.indexOf(self), reads: quorums(read), writes: quorums(write) }
    })
  }

  /**
   * Whether these and this replica cannot all have lost what they knew: they hold a write quorum, and fewer copies are
   * ever lost at once, or writes are lost whatever anybody does.
   */
  isSure(members: number): boolean {
    return this.#parts.every(({ list, position, writes }) => {
      const positions = positionsOf(list, members) | (1 << position)
      return writes.every((write) => write.met(positions))
    })
  }

  /** Whether every write that was acknowledged before these exchanges began is here now. */
  isOver({ whole, all }: Exchanged): boolean {
    return this.#parts.every(({ list, position, writes }) => {
      const self = 1 << position
      const everybody = firstPositions(list.replicas.length)
      if ((positionsOf(list, all) | self) === everybody) return true
      const sources = positionsOf(list, whole) & ~self
      // Where this replica alone is a write quorum, what it has forgotten may be nowhere else.
      return writes.every((write) => (write.met(self) ? sources !== 0 : !write.met(everybody & ~sources)))
    })
  }

  /** Whether these, without this replica, meet every quorum of either phase, and every other set that does. */
  isWitnessed(members: number): boolean {
    return this.#parts.every(({ list, position, reads, writes }) => {
      const { length } = list.replicas
      const witnesses = positionsOf(list, members) & ~(1 << position)
      const rest = firstPositions(length) & ~witnesses
      const isMajority = 2 * count(witnesses) > length - 1
      return isMajority && reads.every((read) => !read.met(rest)) && writes.every((write) => !write.met(rest))
    })
  }
}

/** The lists of all keyspaces. */
export class CatchUps {
  readonly #known = new Map<KeyspaceDefinition, CatchUp>()
  readonly #membership: Membership
  readonly #self: number

  constructor(membership: Membership, self: number) {
    this.#membership = membership
    this.#self = self
  }

  of(definition: KeyspaceDefinition): CatchUp {
    let known = this.#known.get(definition)
    if (known === undefined)
      this.#known.set(definition, (known = new CatchUp(definition, this.#membership, this.#self)))
    return known
  }
}

function positionsOf({ replicas }: PreferenceList, members: number): number {
  let positions = 0
  for (const [position, replica] of replicas.entries()) if (members & (1 << replica)) positions |= 1 << position
  return positions
}
