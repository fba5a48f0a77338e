/**
 * An opened keyspace inside one coordinator: its placement, its quorums, and what each level promises.
 *
 * Ring: values.
 */
import { QuorateError } from '../base/errors.ts'
import { groupName } from '../consensus/group.ts'
import type { Random } from '../base/random.ts'
import { definitionFingerprint, type KeyspaceDefinition } from '../keyspace-definition.ts'
import type { Repair, ResolvedKeyspace } from '../options.ts'
import type { Membership } from '../placement/membership.ts'
import { Placement, type PreferenceList } from '../placement/placement.ts'
import { findDisjoint, implies } from '../quorum/intersect.ts'
import { ANY, type Level } from '../quorum/level.ts'
import type { ListQuorum } from '../quorum/quorum.ts'
import { isExpression, isLevel, quorumExpression, quorumOf, quorumText } from '../quorum/quorum-text.ts'
import { anywhere, layoutOf } from './prove-quorums.ts'

/** A quorum at one level for one preference list, with what it promises. */
export interface Choice extends Promises {
  /** The canonical name of the level, or the canonical text of the expression. */
  readonly level: string
  readonly quorum: ListQuorum
  /** For writes: whether other members count that stand in for replicas of the key. */
  readonly sloppy: boolean
}

/** What holds for all keys on the same replicas. */
interface Promises {
  /** Whether it meets every quorum that the other side uses by default, whatever the other coordinator's zone. */
  readonly strict: boolean
  /** For reads: whether every read quorum holds a write quorum, so that agreement alone proves a value settled. */
  readonly settles: boolean
}

type Side = 'read' | 'write'

export interface KeyspaceOwner {
  readonly membership: Membership
  /** The coordinator's zone. */
  readonly zone: string
  readonly timeoutMs: number
}

/** Calls may bring expressions of their own; what was made of them is kept for so many, and then made again. */
const REMEMBERED_MAX = 4_096

export class Keyspace {
  readonly definition: KeyspaceDefinition
  readonly fingerprint: number
  readonly timeoutMs: number
  /** How long values stay; nothing for always. */
  readonly ttlMs: number | undefined
  readonly #resolved: ResolvedKeyspace
  readonly #placement: Placement
  /** All keys of a keyspace with a leader have one list, in the order of its electors. */
  readonly #ledOn: PreferenceList | undefined
  readonly #owner: KeyspaceOwner
  /** Whether a side is an expression by default. */
  readonly #isNamed: boolean
  /** Canonical texts of expressions that came with calls. */
  readonly #texts = new Map<string, string>()
  readonly #choices = new Map<string, Choice>()
  readonly #promises = new Map<string, Promises>()
  readonly #defaultRead: (Choice | undefined)[] = []
  readonly #defaultWrite: (Choice | undefined)[] = []
  readonly #reach: (PreferenceList | undefined)[] = []
  #covering: readonly PreferenceList[] | undefined

  constructor(resolved: ResolvedKeyspace, owner: KeyspaceOwner) {
    this.definition = resolved.definition
    this.fingerprint = definitionFingerprint(resolved.definition)
    this.timeoutMs = resolved.timeoutMs ?? owner.timeoutMs
    this.ttlMs = resolved.ttlMs
    this.#resolved = resolved
    this.#isNamed = !isLevel(resolved.definition.read) || !isLevel(resolved.definition.write)
    this.#placement = new Placement(owner.membership, resolved.definition.n)
    this.#owner = owner
    if (this.isLed) this.#ledOn = this.#placement.listOf(groupName('keyspace', this.name))
  }

  /** Whether one elected node serves all keys. */
  get isLed(): boolean {
    return this.definition.leader === true
  }

  get name(): string {
    return this.definition.name
  }

  listOf(key: string): PreferenceList {
    return this.#ledOn ?? this.#placement.listOf(key)
  }

  lists(): readonly PreferenceList[] {
    return this.#placement.lists
  }

  /** One list for each set of replicas that holds keys together. */
  coveringLists(): readonly PreferenceList[] {
    return (this.#covering ??= this.#placement.distinct)
  }

  /** Throws `QUORATE_INVALID_OPTION` for a level that is none, or that this key's replicas cannot form. */
  readChoice(list: PreferenceList, level: Level | undefined): Choice {
    if (level !== undefined) return this.#choice('read', list, this.#textOf(level))
    return (this.#defaultRead[list.partition] ??= this.#choice('read', list, this.definition.read))
  }

  /** As `readChoice`. Who names a level means the key's own replicas, except with `any`. */
  writeChoice(list: PreferenceList, level: Level | undefined): Choice {
    if (level === ANY && this.isSloppy) return { ...this.#choice('write', list, '1'), level: ANY, sloppy: true }
    if (level !== undefined) return this.#choice('write', list, this.#textOf(level))
    return (this.#defaultWrite[list.partition] ??= this.#defaultWriteChoice(list))
  }

  #defaultWriteChoice(list: PreferenceList): Choice {
    const choice = this.#choice('write', list, this.definition.write)
    return this.isSloppy ? { ...choice, sloppy: true } : choice
  }

  get isSloppy(): boolean {
    return this.definition.sloppy === true
  }

  /** All members, the key's replicas first: where a write to a sloppy keyspace may go. */
  reachOf(list: PreferenceList): PreferenceList {
    return (this.#reach[list.partition] ??= this.#wholeList(list))
  }

  #wholeList({ partition, replicas, zones, fallbacks }: PreferenceList): PreferenceList {
    const { members } = this.#owner.membership
    const others = fallbacks.map((index) => members[index]?.zone ?? '')
    return { partition, replicas: [...replicas, ...fallbacks], zones: [...zones, ...others], fallbacks: [] }
  }

  /** What a read at this level does about stale replicas, unless the call says otherwise. */
  repairFor(read: Choice): Repair {
    const { repair } = this.#resolved
    if (repair === 'blocking') return read.strict ? 'blocking' : 'background'
    return repair ?? (read.strict && read.settles ? 'blocking' : 'background')
  }

  /** The read quorum that the strategy asks this time, as a mask over the list's positions; 0 without a strategy. */
  drawRead(list: PreferenceList, random: Random): number {
    const { strategy } = this.#resolved
    if (strategy === undefined) return 0
    const { members } = this.#owner.membership
    let left = random.fraction()
    for (const { quorum, probability } of strategy.reads) {
      left -= probability
      if (left >= 0) continue
      let mask = 0
      list.replicas.forEach((replica, position) => {
        if (quorum.includes(members[replica]?.id as string)) mask |= 1 << position
      })
      return mask
    }
    return 0
  }

  #textOf(level: Level): string {
    const known = isExpression(level) ? this.#texts.get(level) : undefined
    if (known !== undefined) return known
    const { members } = this.#owner.membership
    const text = quorumText(level, { n: this.definition.n, members })
    if (isExpression(level)) remember(this.#texts, level, text)
    return text
  }

  #choice(side: Side, list: PreferenceList, level: string): Choice {
    // Levels look at zones alone, and expressions at replicas, on whichever side they are.
    const isNamed = this.#isNamed || !isLevel(level)
    const key = `${side} ${level} ${(isNamed ? list.replicas : list.zones).join(' ')}`
    const known = this.#choices.get(key)
    if (known !== undefined) return known
    const promises = this.#promisesOf(side, list, level)
    const quorum = quorumOf(level, this.#layoutOf(list))
    return remember(this.#choices, key, { level, quorum, sloppy: false, ...promises })
  }

  /** Of all lists of these replicas, in whatever order. */
  #promisesOf(side: Side, list: PreferenceList, level: string): Promises {
    const key = `${side} ${level} ${list.replicas.toSorted((a, b) => a - b).join(' ')}`
    return this.#promises.get(key) ?? remember(this.#promises, key, this.#promise(side, list, level))
  }

  #promise(side: Side, list: PreferenceList, level: string): Promises {
    const layout = this.#layoutOf(list)
    const expression = quorumExpression(level, layout)
    const others = anywhere(side === 'read' ? this.definition.write : this.definition.read, layout)
    try {
      const strict = others.every((other) => {
        const sides = side === 'read' ? { reads: expression, writes: other } : { reads: other, writes: expression }
        return findDisjoint(sides) === undefined
      })
      const settles = side === 'read' && others.every((write) => implies({ outer: expression, inner: write }))
      return { strict, settles }
    } catch (error) {
      // Too tangled to tell: nothing is claimed.
      if (error instanceof QuorateError && error.code === 'QUORATE_LIMIT') return { strict: false, settles: false }
      throw error
    }
  }

  #layoutOf(list: PreferenceList): ReturnType<typeof layoutOf> {
    return layoutOf(list, this.#owner.membership, this.#owner.zone)
  }
}

function remember<V>(known: Map<string, V>, key: string, value: V): V {
  if (known.size >= REMEMBERED_MAX) known.clear()
  known.set(key, value)
  return value
}
