/**
 * What callers hand in: whether it has the shape that is expected, and how it is shown in a message.
 *
 * Ring: values.
 */
import { invalid } from './errors.ts'

const SHOWN_CHARS = 80

/** A value of any kind for a message: never throws, and never long. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  const text = textOf(value)
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text
}

function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text)
}

function textOf(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return JSON.stringify(value) ?? 'an object'
  } catch {
    return 'an object'
  }
}

/** Throws `QUORATE_INVALID_OPTION` for what is no object with fields; `what` is named in the message. */
export function checkObject(value: unknown, what: string): asserts value is object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  throw invalid(`${what} is ${shown(value)}: give an object`)
}

/** Throws `QUORATE_INVALID_OPTION` for what is no list. */
export function checkList(value: unknown, what: string): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is ${shown(value)}: give a list`)
}

/** Throws `QUORATE_INVALID_OPTION` for what is no list of texts. */
export function checkTexts(value: unknown, what: string): asserts value is readonly string[] {
  checkList(value, what)
  for (const one of value) {
    if (typeof one !== 'string') throw invalid(`${what} holds ${shown(one)}: use names in quotes`)
  }
}

/** Throws `QUORATE_INVALID_OPTION` for what is no object whose fields are lists of texts. */
export function checkLists(value: unknown, what: string): asserts value is Readonly<Record<string, readonly string[]>> {
  checkObject(value, what)
  for (const [name, texts] of Object.entries(value)) checkTexts(texts, `${what}.${name}`)
}
