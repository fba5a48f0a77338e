/**
 * Any stored value as JSON text.
 *
 * Values are MessagePack and may hold what JSON has no word for: big integers are shown as decimal strings, bytes as
 * base64, sets as arrays. Whoever needs them back as they were reads them through the library.
 */

export function jsonText(value: unknown, space?: number): string {
  return JSON.stringify(value, showable, space) ?? 'null'
}

/** Looks at the value as it is stored: `toJSON` of a Buffer has spelt it out byte by byte before this is called. */
function showable(this: unknown, key: string, value: unknown): unknown {
  const stored = (this as Readonly<Record<string, unknown>>)[key]
  if (typeof stored === 'bigint') return stored.toString()
  if (stored instanceof Uint8Array) return Buffer.from(stored).toString('base64')
  if (stored instanceof Set) return [...(stored as ReadonlySet<unknown>)]
  if (stored instanceof Map) return Object.fromEntries(stored as ReadonlyMap<string, unknown>)
  return value
}
