/**
 * What one side of a keyspace asks for, as the one text that its members agree on: a level, or an expression.
 *
 * Expressions are printed anew, so that equal ones have equal texts. With zones in them they only get their spaces put
 * right: `@eu` stands for other replicas from key to key. `dual of (…)` is the side that was derived from such a text.
 * Ring: values.
 */
import { invalid } from '../base/errors.ts'
import { shown } from '../base/shape.ts'
import { compile } from './compile.ts'
import { dual, namesOf, type Expression } from './expression.ts'
import { ANY, isLevelWord, levelExpression, levelName, levelQuorum, noLevel, type Layout, type Level } from './level.ts'
import { parseExpression, spacedText, type ParseOptions } from './parse-expression.ts'
import { printExpression } from './print-expression.ts'
import type { ListQuorum } from './quorum.ts'

/** A replica and where it stands. */
export interface Place {
  readonly id: string
  readonly zone: string
}

export interface TextSetting {
  /** Replicas of each key. */
  readonly n: number
  readonly members: readonly Place[]
}

/** Whether it is a text that is no level. */
export function isExpression(asked: unknown): asked is string {
  return typeof asked === 'string' && !isLevelWord(asked.trim()) && asked.trim() !== ANY
}

/** The canonical text of a level or an expression. Throws `QUORATE_INVALID_OPTION`. */
export function quorumText(asked: Level, setting: TextSetting): string {
  if (!isExpression(asked)) return levelName(asked, setting.n)
  const ids = setting.members.map(({ id }) => id)
  const word = asked.trim()
  // Whoever writes one word means a level more often than a replica.
  if (/^[\w.-]*$/.test(word) && !ids.includes(word)) throw noLevel(asked, setting.n, ids)
  return expressionText(asked, setting)
}

/** The canonical text of an expression. Throws `QUORATE_INVALID_OPTION` with the place, and for what is no text. */
export function expressionText(asked: string, { members }: Pick<TextSetting, 'members'>): string {
  return canonical(asked, optionsOf(members))
}

/** The text of the smallest quorums that meet all of `text`, which is the canonical text of an expression. */
export function dualText(text: string): string {
  if (innerOf(text) !== undefined) return innerOf(text) as string
  if (text.includes('@')) return `dual of (${text})`
  return plain(dual(parseExpression(text)))
}

/** Whether a text could be canonical for `n` replicas of some cluster. */
export function isQuorumText(text: string, n: number): boolean {
  try {
    if (isLevel(text)) return text === levelName(/^\d+$/.test(text) ? Number(text) : text, n)
    return canonical(text, { anyZone: true }) === text
  } catch {
    return false
  }
}

/** Whether a canonical text is one of a level. */
export function isLevel(text: string): boolean {
  return /^\d+$/.test(text) || isLevelWord(text)
}

/** Whether what a canonical text asks for is the same for every key that is on the replicas that it names. */
export function isFixed(text: string): boolean {
  return !isLevel(text) && !text.includes('@')
}

/** Whether a canonical text names replicas; if not, keys whose replicas are spread alike over zones are alike. */
export function namesReplicas(text: string): boolean {
  if (isLevel(text)) return false
  return namesOf(parseExpression(innerOf(text) ?? text, { anyZone: true })).some((name) => !name.startsWith('@'))
}

/** What a canonical text asks of one preference list. Throws `QUORATE_INVALID_OPTION` where it has not the replicas. */
export function quorumExpression(text: string, layout: Layout): Expression {
  if (isLevel(text)) return levelExpression(text, layout)
  const places = layout.replicas.map((id, position) => ({ id, zone: layout.zones[position] as string }))
  const inner = innerOf(text)
  const expression = parseExpression(inner ?? text, optionsOf(places))
  return inner === undefined ? expression : dual(expression)
}

/** The quorum of a canonical text for one preference list. */
export function quorumOf(text: string, layout: Layout): ListQuorum {
  if (isLevel(text)) return levelQuorum(text, layout)
  const expression = quorumExpression(text, layout)
  const words = innerOf(text) === undefined ? text : printExpression(expression)
  return compile(expression, { names: layout.replicas, text: words })
}

function canonical(text: string, options: ParseOptions): string {
  const inner = typeof text === 'string' ? innerOf(text) : undefined
  const expression = parseExpression(inner ?? text, options)
  if (!text.includes('@')) return plain(inner === undefined ? expression : dual(expression))
  const spaced = spacedText(inner ?? text)
  return inner === undefined ? spaced : `dual of (${spaced})`
}

/** Printed so that it can be read back, and passes for no level. */
function plain(expression: Expression): string {
  const text = printExpression(expression)
  parseExpression(text)
  return isLevel(text) ? `1 of (${text})` : text
}

function innerOf(text: string): string | undefined {
  return /^\s*dual\s+of\s*\(([^]*)\)\s*$/.exec(text)?.[1]
}

function optionsOf(places: readonly Place[]): ParseOptions {
  const zones: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (const { id, zone } of places) if (zone !== '') (zones[zone] ??= []).push(id)
  return { nodes: places.map(({ id }) => id), zones }
}

/** The refusal of an expression that cannot be met for keys on these replicas. */
export function unfit(text: string, layout: Layout, why: unknown): Error {
  const reason = why instanceof Error ? why.message : String(why)
  const on = layout.replicas.join(', ')
  return invalid(
    `${shown(text)} does not fit every key: some are on ${on} alone. Name replicas that hold all keys, or zones, ` +
      `or raise n.\n${reason}`,
  )
}
