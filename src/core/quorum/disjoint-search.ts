/**
 * The search for two quorums that do not meet, where the structure alone does not prove that there are none.
 *
 * Two quorums do not meet exactly when some set holds a write quorum while the nodes outside it hold a read quorum.
 * Nodes that can be exchanged without changing either side differ in nothing but their number, so the search counts
 * them (zones of 3 × 3 nodes are 64 cases, not 512); and it leaves a branch as soon as one side can no longer be met.
 * Ring: values.
 */
import { QuorateError } from '../base/errors.ts'
import { metBy, shrunk, type MaskNode } from './mask-node.ts'

export interface Masks {
  readonly read: number
  readonly write: number
}

interface Nodes {
  readonly read: MaskNode
  readonly write: MaskNode
}

/** Parts looked at before the search gives up: some tenths of a second. */
const WORK_MAX = 20_000_000

/** A read and a write quorum that do not meet, or `undefined`. Throws `QUORATE_LIMIT` when it takes too long to tell. */
export function searchDisjoint(nodes: Nodes): Masks | undefined {
  return guess(nodes) ?? new Search(nodes).run()
}

/** Cheap tries: the sets written out, and quorums shrunk from one end and from each node on. */
function guess({ read, write }: Nodes): Masks | undefined {
  const all = read.members | write.members
  for (const set of setsOf(read)) if (metBy(write, all & ~set)) return { read: set, write: all & ~set }
  for (const set of setsOf(write)) if (metBy(read, all & ~set)) return { read: all & ~set, write: set }
  return undefined
}

/** Some quorums of one side. */
function setsOf(node: MaskNode): number[] {
  if (node.exact) return [node.ones]
  const written = node.parts.flatMap((part) =>
    part.weight >= node.required && part.node.exact ? [part.node.ones] : [],
  )
  written.push(shrunk(node, node.members))
  for (let rest = node.members; rest !== 0; rest &= rest - 1) {
    const lowest = rest & -rest
    written.push(shrunk(node, node.members & ~lowest), shrunk(node, shrunkFrom(node, lowest)))
  }
  return written.filter((set) => metBy(node, set))
}

/** A quorum without the positions below `bit` as far as possible. */
function shrunkFrom(node: MaskNode, bit: number): number {
  const above = node.members & ~(bit - 1)
  return metBy(node, above) ? above : node.members
}

class Search {
  readonly #read: MaskNode
  readonly #write: MaskNode
  /** The positions of nodes that can be exchanged, those with the most occurrences first. */
  readonly #classes: readonly (readonly number[])[]
  readonly #workOfStep: number
  #work = 0

  constructor({ read, write }: Nodes) {
    this.#read = read
    this.#write = write
    this.#classes = classesOf({ read, write })
    this.#workOfStep = 2 * (sizeOf(read) + sizeOf(write))
  }

  run(): Masks | undefined {
    return this.#from(0, { read: 0, write: 0 })
  }

  /** Decides the classes from `index` on; `taken` is decided. */
  #from(index: number, taken: Masks): Masks | undefined {
    this.#work += this.#workOfStep
    if (this.#work > WORK_MAX) throw tooHard()
    let open = 0
    for (let i = index; i < this.#classes.length; i++) for (const bit of this.#classes[i] ?? []) open |= bit
    if (!metBy(this.#write, taken.write | open) || !metBy(this.#read, taken.read | open)) return undefined
    if (metBy(this.#write, taken.write)) return { read: taken.read | open, write: taken.write }
    if (metBy(this.#read, taken.read)) return { read: taken.read, write: taken.write | open }
    const bits = this.#classes[index] ?? []
    let { read, write } = taken
    for (const bit of bits) read |= bit
    for (let i = 0; ; i++) {
      const found = this.#from(index + 1, { read, write })
      if (found !== undefined || i === bits.length) return found
      read &= ~(bits[i] as number)
      write |= bits[i] as number
    }
  }
}

/** Two nodes are in one class when they have the same votes in the same places of both sides. */
function classesOf({ read, write }: Nodes): number[][] {
  const places = new Map<number, string[]>()
  const visit = (node: MaskNode, side: string): void => {
    if (node.parts.length === 0) note(node.members, `${side} itself`)
    for (const part of node.parts) {
      if (part.node.parts.length === 0) note(part.node.members, `${side}${node.id}*${part.weight}`)
      else visit(part.node, side)
    }
  }
  const note = (bit: number, place: string): void => {
    const known = places.get(bit)
    if (known === undefined) places.set(bit, [place])
    else known.push(place)
  }
  visit(read, 'read')
  visit(write, 'write')
  const classes = new Map<string, number[]>()
  const byUse = [...places].toSorted(([, a], [, b]) => b.length - a.length)
  for (const [bit, where] of byUse) {
    const key = where.toSorted().join(' ')
    const known = classes.get(key)
    if (known === undefined) classes.set(key, [bit])
    else known.push(bit)
  }
  return [...classes.values()]
}

function sizeOf(node: MaskNode): number {
  return node.rest.reduce((sum, part) => sum + sizeOf(part.node), 1)
}

function tooHard(): QuorateError {
  return new QuorateError(
    'QUORATE_LIMIT',
    'whether these read and write quorums meet takes too long to tell: derive one side from the other, name fewer ' +
      'nodes, or give nodes that play the same part the same weight',
  )
}
