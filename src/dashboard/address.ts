/**
 * What a request asks for: the parts of its path and its query, decoded without guessing.
 *
 * Not by `URL`: it would resolve `..`, which is a key like any other, and let bad percent-encoding pass.
 */
import { invalid } from '../core/base/errors.ts'

export interface RequestAddress {
  /** The path as it was sent. */
  readonly path: string
  /** What stands between the slashes; a slash inside a part was sent as `%2F`. */
  readonly parts: readonly string[]
  readonly query: ReadonlyMap<string, string>
}

/** Throws `QUORATE_INVALID_OPTION` for what cannot be decoded, and for a query name that is given twice. */
export function parseAddress(target: string): RequestAddress {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  if (!path.startsWith('/')) throw invalid(`the address must begin with a slash, and is ${JSON.stringify(path)}`)
  const parts = path.slice(1).split('/').map(decoded)
  const query = new Map<string, string>()
  for (const pair of mark < 0 ? [] : target.slice(mark + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decoded(plain(equals < 0 ? pair : pair.slice(0, equals)))
    if (query.has(name)) throw invalid(`${JSON.stringify(name)} is given twice`)
    query.set(name, equals < 0 ? '' : decoded(plain(pair.slice(equals + 1))))
  }
  return { path, parts, query }
}

/** Refuses names that do not exist: a misspelt `levle=all` must not pass for the default. */
export function checkQuery(query: ReadonlyMap<string, string>, allowed: readonly string[]): void {
  for (const name of query.keys()) {
    if (allowed.includes(name)) continue
    const use = allowed.length === 0 ? 'none is known here' : `use ${allowed.join(', ')}`
    throw invalid(`${JSON.stringify(name)} is not known in the query: ${use}`)
  }
}

/** A number of the query, or `undefined` where it was left out. */
export function numberIn(
  query: ReadonlyMap<string, string>,
  name: string,
  bounds: { readonly min: number; readonly max: number },
): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  const { min, max } = bounds
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (!(value >= min && value <= max)) {
    throw invalid(`${name} is ${JSON.stringify(text)}: use a whole number from ${min} to ${max}`)
  }
  return value
}

function plain(text: string): string {
  return text.replaceAll('+', ' ')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(`${JSON.stringify(text)} is not percent-encoded UTF-8`)
  }
}
