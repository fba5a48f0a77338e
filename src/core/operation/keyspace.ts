/**
 * An opened keyspace inside one coordinator: its placement, its quorums, and what each level promises.
 *
 * Ring: values.
 */
import { definitionFingerprint, type KeyspaceDefinition } from '../keyspace-definition.ts'
import type { Repair, ResolvedKeyspace } from '../options.ts'
import type { Membership } from '../placement/membership.ts'
import { Placement, type PreferenceList } from '../placement/placement.ts'
import { findDisjoint } from '../quorum/intersect.ts'
import { isZoned, levelName, levelQuorum, type Level } from '../quorum/level.ts'
import { countOf, type Quorum } from '../quorum/quorum.ts'

/** A quorum at one level for one preference list, with what it promises. */
export interface Choice {
  readonly level: string
  readonly quorum: Quorum
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
    const quorum = levelQuorum(level, { zones: list.zones, zone: this.#owner.zone })
    const n = list.replicas.length
    const others = this.#quorumsAnywhere(list, side === 'read' ? this.definition.write : this.definition.read)
    const strict = others.every((other) => {
      const pair = side === 'read' ? { read: quorum, write: other } : { read: other, write: quorum }
      return findDisjoint(pair, n) === undefined
    })
    const settles = side === 'read' && others.every((write) => holds(quorum, write, n))
    return { level, quorum, strict, settles }
  }

  /** The quorums that a level stands for, seen from each zone that a coordinator could be in. */
  #quorumsAnywhere(list: PreferenceList, level: string): readonly Quorum[] {
    if (!isZoned(level)) return [levelQuorum(level, { zones: list.zones, zone: this.#owner.zone })]
    return [...new Set(list.zones)].map((zone) => levelQuorum(level, { zones: list.zones, zone }))
  }
}

/** Whether every set that meets `outer` meets `inner` as well. */
function holds(outer: Quorum, inner: Quorum, n: number): boolean {
  const [more, fewer] = [countOf(outer, n), countOf(inner, n)]
  if (more !== undefined && fewer !== undefined) return more >= fewer
  for (let set = 0; set < 2 ** n; set++) if (outer.met(set) && !inner.met(set)) return false
  return true
}
