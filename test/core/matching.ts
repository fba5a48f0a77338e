/** A text that contains a part, or matches a pattern, as a part of what a test expects. */
import { expect } from 'vitest'

export function matching(text: string | RegExp): unknown {
  return typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text)
}
