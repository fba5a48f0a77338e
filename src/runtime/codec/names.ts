/**
 * Names that are read again and again, each as one string: to find it costs a tenth of making it, and it is held once.
 */

/** A power of two. A name that shares its place with another one pushes it out. */
const PLACES = 2048
/** So many characters at the end of a name decide its place: they tell clients apart, and sessions. */
const HASHED = 12

export class Names {
  readonly #known: string[] = Array.from({ length: PLACES }, () => '')

  /** The string that these bytes of ASCII spell; `undefined` if one of them is not printable. */
  read(bytes: Buffer, start: number, end: number): string | undefined {
    let hash = end - start
    for (let i = Math.max(start, end - HASHED); i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
    const place = hash & (PLACES - 1)
    const known = this.#known[place] as string
    if (spells(known, bytes, start, end)) return known
    for (let i = start; i < end; i++) {
      const code = bytes[i] as number
      if (code <= SPACE || code >= DELETE) return undefined
    }
    return (this.#known[place] = bytes.toString('latin1', start, end))
  }
}

/** Printable characters of ASCII lie between these. */
const SPACE = 0x20
const DELETE = 0x7f

function spells(name: string, bytes: Buffer, start: number, end: number): boolean {
  const { length } = name
  if (length !== end - start) return false
  for (let i = 0; i < length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
