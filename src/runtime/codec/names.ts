/**
 * Names that are read again and again, each as one string: to find it costs a tenth of making it, and it is held once.
 */

/** A power of two. A name that shares its place with another one pushes it out. */
const PLACES = 256

export class Names {
  readonly #known: string[] = Array.from({ length: PLACES }, () => '')

  /** The string that these bytes of ASCII spell; `undefined` if one of them is not printable. */
  read(bytes: Buffer, start: number, end: number): string | undefined {
    let hash = 0
    for (let i = start; i < end; i++) {
      const code = bytes[i] as number
      if (code <= SPACE || code >= DELETE) return undefined
      hash = (Math.imul(hash, 31) + code) | 0
    }
    const place = hash & (PLACES - 1)
    const known = this.#known[place] as string
    return spells(known, bytes, start, end) ? known : (this.#known[place] = bytes.toString('latin1', start, end))
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
