/**
 * The order of keys: by code point, which is also the order of their UTF-8 bytes on disk.
 *
 * JavaScript's own `<` compares UTF-16 code units and puts U+E000..U+FFFF after the astral planes.
 * Ring: values.
 */

/** Lifts surrogates above the rest of the basic plane, so that code units compare as code points would. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** Less than zero, zero, or more than zero, as `a` sorts before, with, or after `b`. */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}
