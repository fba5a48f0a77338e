/**
 * An opened keyspace inside one coordinator: its placement, its quorums, and what each level promises.
 *
 * Ring: values.
 */
import { definitionFingerprint, type KeyspaceDefinition } from '../keyspace-definition.ts'
import type { Repair, ResolvedKeyspace } from '../options.ts'
import type { Member, Membership } from '../placement/membership.ts'
import { Placement, type PreferenceList } from '../placement/placement.ts'
import type { Expression } from '../quorum/expression.ts'
import { findDisjoint, implies } from '../quorum/intersect.ts'
import { isZoned, levelExpression, levelName, levelQuorum, type Layout, type Level } from '../quorum/level.ts'
import type { ListQuorum } from '../quorum/quorum.ts'

/** A quorum at one level for one preference list, with what it promises. */
export interface Choice {
  readonly level: string
  readonly quorum: ListQuorum
  /** Whether it meets every quorum that the other side uses by default, whatever the other coordinator's zone. */
  readonly strict: boolean
  /** For reads: whether every read quorum holds a write quorum, so that agreement alone proves a value settled. */
  readonly settles: boolean
}

export interface KeyspaceOwner {
  readonly membership: Membership
  /** The coordinator's zone. */
  readonly zone: string
  readonly timeoutMs: number
}

export class Keyspace {
  readonly definition: KeyspaceDefinition
  readonly fingerprint: number
  readonly timeoutMs: number
  readonly #repair: Repair | undefined
  readonly #placement: Placement
  readonly #owner: KeyspaceOwner
  readonly #choices = new Map<string, Choice>()
  readonly #defaultRead: (Choice | undefined)[] = []
  readonly #defaultWrite: (Choice | undefined)[] = []

  constructor(resolved: ResolvedKeyspace, owner: KeyspaceOwner) {
    this.definition = resolved.definition
    this.fingerprint = definitionFingerprint(resolved.definition)
    this.timeoutMs = resolved.timeoutMs ?? owner.timeoutMs
    this.#repair = resolved.repair
    this.#placement = new Placement(owner.membership, resolved.definition.n)
    this.#owner = owner
  }

  get name(): string {
    return this.definition.name
  }

  listOf(key: string): PreferenceList {
    return this.#placement.listOf(key)
  }

  lists(): readonly PreferenceList[] {
    return this.#placement.lists
  }

  readChoice(list: PreferenceList, level: Level | undefined): Choice {
    if (level !== undefined) return this.#choice('read', list, levelName(level, this.definition.n))
    return (this.#defaultRead[list.partition] ??= this.#choice('read', list, this.definition.read))
  }

  writeChoice(list: PreferenceList, level: Level | undefined): Choice {
    if (level !== undefined) return this.#choice('write', list, levelName(level, this.definition.n))
    return (this.#defaultWrite[list.partition] ??= this.#choice('write', list, this.definition.write))
  }

  /** What a read at this level does about stale replicas, unless the call says otherwise. */
  repairFor(read: Choice): Repair {
    if (this.#repair === 'blocking') return read.strict ? 'blocking' : 'background'
    return this.#repair ?? (read.strict && read.settles ? 'blocking' : 'background')
  }

  #choice(side: 'read' | 'write', list: PreferenceList, level: string): Choice {
    const zones = list.zones.join(' ')
    const key = `${side} ${level} ${zones}`
    const known = this.#choices.get(key)
    if (known !== undefined) return known
    const choice = this.#makeChoice(side, list, level)
    this.#choices.set(key, choice)
    return choice
  }

  #makeChoice(side: 'read' | 'write', list: PreferenceList, level: string): Choice {
    const layout = { replicas: this.#namesIn(list), zones: list.zones, zone: this.#owner.zone }
    const expression = levelExpression(level, layout)
    const others = anywhere(layout, side === 'read' ? this.definition.write : this.definition.read)
    const strict = others.every((other) => {
      const sides = side === 'read' ? { reads: expression, writes: other } : { reads: other, writes: expression }
      return findDisjoint(sides) === undefined
    })
    const settles = side === 'read' && others.every((write) => implies({ outer: expression, inner: write }))
    return { level, quorum: levelQuorum(level, layout), strict, settles }
  }

  #namesIn(list: PreferenceList): readonly string[] {
    return list.replicas.map((replica) => (this.#owner.membership.members[replica] as Member).id)
  }
}

/** What a level asks for, seen from each zone that a coordinator could be in. */
function anywhere(layout: Layout, level: string): readonly Expression[] {
  if (!isZoned(level)) return [levelExpression(level, layout)]
  return [...new Set(layout.zones)].map((zone) => levelExpression(level, { ...layout, zone }))
}
