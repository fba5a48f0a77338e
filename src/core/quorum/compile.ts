/**
 * Expressions as the quorums that the coordinator runs: names become positions in one preference list.
 *
 * A flat count stays a count. Everything else is walked on masks; what is too long to walk for every answer remembers
 * each set that it was asked about, while there are few enough sets.
 * Ring: values.
 */
import { invalid } from '../base/errors.ts'
import { dual, namesOf, type Expression } from './expression.ts'
import { fewest } from './fewest.ts'
import { maskNode, metBy, type MaskNode } from './mask-node.ts'
import { printExpression } from './print-expression.ts'
import { CountQuorum, firstPositions, type ListQuorum } from './quorum.ts'

export interface CompileOptions {
  /** The name at each position, at most 31. */
  readonly names: readonly string[]
  /** What it asks for, in words. By default a count, or the expression. */
  readonly text?: string
}

/** Throws `QUORATE_INVALID_OPTION` when the expression names a node that is not in the list. */
export function compile(expression: Expression, { names, text }: CompileOptions): ListQuorum {
  const positions = new Map(names.map((name, position) => [name, position]))
  const strangers = namesOf(expression).filter((name) => !positions.has(name))
  if (strangers.length > 0) {
    throw invalid(
      `a quorum system over nodes that do not hold the key: ${strangers.join(', ')} not among ${names.join(', ')}`,
    )
  }
  const node = maskNode(expression, positions)
  if (node.rest.length === 0) return new CountQuorum(node.required, node.ones, text)
  const parts: Compiled = {
    node,
    opposite: maskNode(dual(expression), positions),
    all: firstPositions(names.length),
    text: text ?? printExpression(expression),
  }
  return sizeOf(node) > WALKED_MAX && names.length <= REMEMBERED_POSITIONS_MAX
    ? new RememberedQuorum(parts)
    : new WalkedQuorum(parts)
}

/** Thresholds that may be looked at for one answer: about 200 ns. */
const WALKED_MAX = 24
/** 2 ^ 15 sets take 32 kB. */
const REMEMBERED_POSITIONS_MAX = 15

function sizeOf(node: MaskNode): number {
  return node.rest.reduce((sum, part) => sum + sizeOf(part.node), 1)
}

interface Compiled {
  readonly node: MaskNode
  /** Of the dual, for `spare`. */
  readonly opposite: MaskNode
  readonly all: number
  readonly text: string
}

class WalkedQuorum implements ListQuorum {
  readonly text: string
  readonly names = true
  #required: number | undefined
  readonly #node: MaskNode
  readonly #opposite: MaskNode
  readonly #all: number

  constructor({ node, opposite, all, text }: Compiled) {
    this.text = text
    this.#node = node
    this.#opposite = opposite
    this.#all = all
  }

  /** Counted when it is asked for: few calls end in an error, and a keyspace has a quorum for each order of replicas. */
  get required(): number {
    return (this.#required ??= fewest(this.#node, { free: 0, usable: this.#node.members }))
  }

  get members(): number {
    return this.#node.members
  }

  met(replicas: number): boolean {
    return metBy(this.#node, replicas)
  }

  /** The quorum is broken when the missing replicas form one of the dual; those that never answered miss already. */
  spare(replicas: number): number {
    const free = this.#all & ~replicas
    return fewest(this.#opposite, { free, usable: this.#all & replicas }) - 1
  }
}

/** What a set was found to be. */
const MET = 1
const NOT_MET = 2

class RememberedQuorum extends WalkedQuorum {
  readonly #sets = new Uint8Array(2 ** REMEMBERED_POSITIONS_MAX)

  override met(mask: number): boolean {
    const replicas = mask & (this.#sets.length - 1)
    const known = this.#sets[replicas]
    if (known === MET || known === NOT_MET) return known === MET
    const met = super.met(replicas)
    this.#sets[replicas] = met ? MET : NOT_MET
    return met
  }
}
