/**
 * Consistency levels by name, as Cassandra users know them, and the quorum that each one is for a key.
 *
 * A level is a number of replicas or a word; the words with a zone in them depend on where the coordinator is.
 * Ring: values.
 */
import { invalid, type QuorateError } from '../base/errors.ts'
import { shown } from '../base/shape.ts'
import { compile } from './compile.ts'
import { and, name as nameOf, or, threshold, type Expression } from './expression.ts'
import { majorityOf, type ListQuorum } from './quorum.ts'

const WORDS = ['one', 'two', 'three', 'quorum', 'all', 'local-one', 'local-quorum', 'each-quorum'] as const

/**
 * For writes to sloppy keyspaces: one copy on disk, at a replica of the key or at another member that keeps it for one.
 * No quorum of the key's replicas says that, so it is asked for beside the others and never a keyspace's default.
 */
export const ANY = 'any'

/**
 * Who must answer: a number of replicas, or one of
 * `one`, `two`, `three`; `quorum`, a majority of the key's replicas; `all`; `local-one` and `local-quorum`, one or a
 * majority of those in the coordinator's zone; `each-quorum`, a majority in every zone; `any`, for writes to sloppy keyspaces, one copy anywhere. Any other text is an expression
 * over replica ids and zones, such as `2 of (a, b, c) or all of @eu`.
 */
export type Level = LevelWord | typeof ANY | number | (string & Record<never, never>)

export type LevelWord = (typeof WORDS)[number]

/** Where a key's replicas are, as far as levels need it. */
export interface Layout {
  /** The ids of the preference list. */
  readonly replicas: readonly string[]
  /** The zone at each position of the preference list. */
  readonly zones: readonly string[]
  /** The coordinator's zone. */
  readonly zone: string
}

/**
 * The canonical name of a level for `n` replicas: numbers for everything that is a count, so that `quorum` of three
 * and `2` are the same level. Throws `QUORATE_INVALID_OPTION` for what is not a level.
 */
export function levelName(level: unknown, n: number): string {
  const word = typeof level === 'string' ? level.trim() : level
  const required = typeof word === 'number' ? word : countOf(word, n)
  if (required === undefined) {
    if (word === ANY) throw invalid(`level 'any' is for single writes to a keyspace with sloppy: true`)
    if (isLevelWord(word)) return word
    throw noLevel(level, n)
  }
  if (!Number.isInteger(required) || required < 1 || required > n) {
    throw invalid(`level ${String(word)} needs ${required} replicas, and a key has ${n}: use 1 to ${n}`)
  }
  return String(required)
}

/** @param ids the replicas, where a text may also be an expression. */
export function noLevel(level: unknown, n: number, ids: readonly string[] = []): QuorateError {
  const number = typeof level === 'string' && /^\s*\d+\s*$/.test(level) ? Number(level) : 0
  if (number >= 1 && number <= n) return invalid(`${shown(level)} is not a level: write ${number} without quotes`)
  const others = ids.length === 0 ? '' : `, or an expression over ${ids.join(', ')}`
  return invalid(`${shown(level)} is not a level: use a number from 1 to ${n}, or ${WORDS.join(', ')}${others}`)
}

/** What a canonical level name asks of one preference list. */
export function levelExpression(name: string, layout: Layout): Expression {
  switch (name) {
    case 'local-one':
      return or(inZone(layout, layout.zone))
    case 'local-quorum':
      return majorityIn(layout, layout.zone)
    case 'each-quorum':
      return and([...new Set(layout.zones)].map((zone) => majorityIn(layout, zone)))
    default:
      return threshold(
        Number(name),
        layout.replicas.map((replica) => nameOf(replica)),
      )
  }
}

/** The quorum of a canonical level name for one preference list. */
export function levelQuorum(name: string, layout: Layout): ListQuorum {
  const zoned = name === 'each-quorum' && new Set(layout.zones).size > 1
  return compile(levelExpression(name, layout), { names: layout.replicas, ...(zoned && { text: eachZone(layout) }) })
}

/** By numbers, not by ids, since preference lists of like zones share one quorum. */
function eachZone(layout: Layout): string {
  const texts = [...new Set(layout.zones)].map((zone) => {
    const size = inZone(layout, zone).length
    return `${majorityOf(size)} of ${size} in ${zone}`
  })
  return texts.join(' and ')
}

/** Whether the quorum of this level depends on the zones, not on the number of replicas alone. */
export function isZoned(name: string): boolean {
  return name === 'each-quorum' || dependsOnPlace(name)
}

/** Whether it depends on the zone that the coordinator is in. */
export function dependsOnPlace(name: string): boolean {
  return name === 'local-one' || name === 'local-quorum'
}

/** Words come before ids: a replica that is called `one` is asked for by `1 of (one)`. */
export function isLevelWord(level: unknown): level is LevelWord {
  return (WORDS as readonly unknown[]).includes(level)
}

function countOf(level: unknown, n: number): number | undefined {
  switch (level) {
    case 'one':
      return 1
    case 'two':
      return 2
    case 'three':
      return 3
    case 'quorum':
      return majorityOf(n)
    case 'all':
      return n
    default:
      return undefined
  }
}

function majorityIn(layout: Layout, zone: string): Expression {
  const members = inZone(layout, zone)
  return threshold(majorityOf(members.length), members)
}

function inZone({ replicas, zones }: Layout, zone: string): Expression[] {
  const members = replicas.filter((_, position) => zones[position] === zone)
  if (members.length === 0) {
    throw invalid(`no replica of this keyspace is in zone ${shown(zone)}: use another level`)
  }
  return members.map((replica) => nameOf(replica))
}
