/**
 * What a gate says to a token: everybody who guards something with tokens asks here.
 *
 * Ring: values.
 */
import { GENERATION_AHEAD_MAX, GENERATION_MAX } from './group.ts'

/**
 * `nonsense`: no token at all. `fenced`: lower than the highest seen. `ahead`: so far above it that no lock service has
 * come to it since.
 */
export type TokenRuling = 'passes' | 'nonsense' | 'fenced' | 'ahead'

/** @param highest the highest token that passed; nothing if none did. */
export function ruleOnToken(token: unknown, highest: number | undefined): TokenRuling {
  if (!Number.isSafeInteger(token)) return 'nonsense'
  const number = token as number
  if (number < 1 || number > GENERATION_MAX) return 'nonsense'
  if (highest === undefined) return 'passes'
  if (number < highest) return 'fenced'
  return number > highest + GENERATION_AHEAD_MAX ? 'ahead' : 'passes'
}
