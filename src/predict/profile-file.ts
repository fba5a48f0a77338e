/**
 * Latencies that somebody wrote down as JSON.
 */
import { invalid } from '../core/base/errors.ts'
import { checkDistribution, checkNumber, type Distribution } from './distribution.ts'
import type { Latencies, ReplicaLatencies } from './latencies.ts'

type Fields = Readonly<Record<string, unknown>>

const LEGS = ['w', 'a', 'r', 's'] as const

/**
 * Latencies from parsed JSON, checked. It may be
 *
 * - `{ "w": …, "a": …, "r": …, "s": … }`, with `remoteMs` if replicas are far apart; `"ars"` stands for the last three
 *   at once, and capital letters do as well;
 * - a list of those, one for each replica;
 * - `{ "distributions": { NAME: …, … } }`, of which `name` picks one. One of them may be another with a delay:
 *   `{ "base": NAME, "remote_delay": 75 }`.
 *
 * @throws QuorateError `QUORATE_INVALID_OPTION`, naming the place.
 */
export function parseProfile(given: unknown, name?: string): Latencies | readonly ReplicaLatencies[] {
  if (Array.isArray(given)) {
    if (name !== undefined) throw invalid(`the file has no profiles by name, and ${JSON.stringify(name)} is asked for`)
    return (given as readonly unknown[]).map((one, index) => legsIn(fieldsOf(one, `[${index}]`), `[${index}].`))
  }
  const fields = fieldsOf(given, 'the file')
  if (fields['distributions'] === undefined) {
    if (name !== undefined) throw invalid(`the file has no profiles by name, and ${JSON.stringify(name)} is asked for`)
    return latenciesIn(fields, '')
  }
  const named = fieldsOf(fields['distributions'], 'distributions')
  if (name === undefined) throw invalid(`the file has several profiles, pick one: ${Object.keys(named).join(', ')}`)
  return namedIn(named, name)
}

function namedIn(named: Fields, name: string): Latencies {
  if (!Object.hasOwn(named, name)) {
    throw invalid(`there is no profile ${JSON.stringify(name)} in the file: use ${Object.keys(named).join(', ')}`)
  }
  const fields = fieldsOf(named[name], name)
  const { base } = fields
  if (base === undefined) return latenciesIn(fields, `${name}.`)
  if (typeof base !== 'string' || !Object.hasOwn(named, base)) {
    throw invalid(`${name}.base is ${JSON.stringify(base)}: use the name of another profile in the file`)
  }
  const based = fieldsOf(named[base], base)
  if (based['base'] !== undefined) throw invalid(`${name}.base is ${base}, which has a base itself`)
  return { ...latenciesIn(based, `${base}.`), ...remoteIn(fields, `${name}.`) }
}

function latenciesIn(fields: Fields, place: string): Latencies {
  return { ...legsIn(fields, place), ...remoteIn(fields, place) }
}

function legsIn(fields: Fields, place: string): ReplicaLatencies {
  const legs = LEGS.map((leg): [string, Distribution] => {
    const upper = leg.toUpperCase()
    const keys = leg === 'w' ? [leg, upper] : [leg, upper, 'ars', 'ARS']
    const key = keys.find((one) => fields[one] !== undefined) ?? leg
    return [leg, checkDistribution(fields[key], place + key)]
  })
  return Object.fromEntries(legs) as unknown as ReplicaLatencies
}

function remoteIn(fields: Fields, place: string): { readonly remoteMs?: number } {
  const key = fields['remoteMs'] === undefined ? 'remote_delay' : 'remoteMs'
  const value = fields[key]
  if (value === undefined) return {}
  checkNumber(value, { name: place + key, min: 0 })
  return { remoteMs: value as number }
}

function fieldsOf(given: unknown, place: string): Fields {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Fields
  throw invalid(`${place} is no object with w, a, r and s`)
}
