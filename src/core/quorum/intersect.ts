/**
 * Whether every read quorum meets every write quorum, the condition behind all that strict quorums promise.
 *
 * The same proof serves consensus: there every phase-1 quorum must meet every phase-2 quorum, and two quorums of one
 * phase need not meet (Howard, Malkhi, Spiegelman, "Flexible Paxos", OPODIS 2016): put phase 1 for reads and phase 2
 * for writes. Most systems are proved from their structure, in steps that grow with the square of the text; what is
 * left is searched, within a bound.
 * Ring: values.
 */
import { QuorateError } from '../base/errors.ts'
import type { Expression } from './expression.ts'
import { dual } from './expression.ts'
import { searchDisjoint } from './disjoint-search.ts'
import { maskNode, metBy, positionsOf, shrunk, type MaskNode, type MaskPart } from './mask-node.ts'
import { count } from './quorum.ts'

/** A read and a write quorum without a common node, neither with a node to spare; sorted. */
export interface Disjoint {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

export interface Sides {
  readonly reads: Expression
  readonly writes: Expression
}

/**
 * A read and a write quorum that do not meet, or `undefined` when all meet.
 *
 * Throws `QUORATE_LIMIT` when neither the structure nor a bounded search decides.
 */
export function findDisjoint({ reads, writes }: Sides): Disjoint | undefined {
  const positions = positionsOf([reads, writes])
  const read = maskNode(reads, positions)
  const write = maskNode(writes, positions)
  if (new Proof().meet(read, write)) return undefined
  const found = searchDisjoint({ read, write })
  if (found === undefined) return undefined
  const names = [...positions.keys()]
  const namesIn = (set: number): string[] => names.filter((_, position) => set & (1 << position))
  return { read: namesIn(shrunk(read, found.read)), write: namesIn(shrunk(write, found.write)) }
}

/** Whether every set of nodes that meets `outer` meets `inner` as well: a set without `inner` meets its dual outside. */
export function implies({ outer, inner }: { readonly outer: Expression; readonly inner: Expression }): boolean {
  return findDisjoint({ reads: dual(inner), writes: outer }) === undefined
}

/** The refusal of a system whose quorums do not meet, with the two sets as fields. */
export function disjointError({ read, write }: Disjoint): QuorateError {
  const sets = `the read quorum (${read.join(', ')}) and the write quorum (${write.join(', ')})`
  return new QuorateError(
    'QUORATE_QUORUMS_DISJOINT',
    `${sets} do not meet: a read could miss a write. Ask for more on one side, or leave one side out to have it derived.`,
    { read, write },
  )
}

/** Proofs from the structure. What it says meets, meets; what it cannot prove may meet all the same. */
class Proof {
  readonly #known = new Map<number, boolean>()

  meet(read: MaskNode, write: MaskNode): boolean {
    if ((read.members & write.members) === 0) return false
    // One set alone meets all quorums of the other side exactly when that side cannot do without it.
    if (read.exact) return !metBy(write, ~read.ones)
    if (write.exact) return !metBy(read, ~write.ones)
    if (read.rest.length === 0 && write.rest.length === 0 && read.ones === write.ones) {
      return read.required + write.required > count(read.ones)
    }
    const key = read.id * 2 ** 20 + write.id
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const proved =
      this.#enoughMeet(read, (part) => this.meet(part, write)) ||
      this.#enoughMeet(write, (part) => this.meet(read, part)) ||
      this.#pairsMeet(read, write)
    this.#known.set(key, proved)
    return proved
  }

  /** So many parts meet the other side on their own that no quorum of `node` does without all of them. */
  #enoughMeet(node: MaskNode, meets: (part: MaskNode) => boolean): boolean {
    let without = 0
    for (const part of node.parts) {
      if (meets(part.node)) continue
      without += part.weight
      if (without >= node.required) return false
    }
    return true
  }

  /**
   * Counting votes, as Gifford does for nodes: parts over the same nodes are paired, and if no pair of which both are
   * met meets, the votes of both sides cannot sum to what both ask for. A dual is proved by this in one pass.
   */
  #pairsMeet(read: MaskNode, write: MaskNode): boolean {
    const partners = new Map<number, MaskPart[]>()
    for (const part of write.parts) {
      const same = partners.get(part.node.members)
      if (same === undefined) partners.set(part.node.members, [part])
      else same.push(part)
    }
    let votes = 0
    for (const part of write.parts) votes += part.weight
    for (const part of read.parts) {
      votes += part.weight
      const partner = partners.get(part.node.members)?.shift()
      if (partner === undefined || !this.meet(part.node, partner.node)) continue
      votes -= Math.min(part.weight, partner.weight)
    }
    return read.required + write.required > votes
  }
}
