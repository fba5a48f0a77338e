/**
 * What both ends of an echo link agree on; it travels in the address that is dialed.
 */
import type { FrameSizes } from './frame-sizes.ts'

export interface EchoLink extends FrameSizes {
  /** Whether each message carries a number that its answer repeats. */
  readonly addressed: boolean
}

/** Where in a message its number stands: behind the byte that says what it is. */
export const NUMBER_AT = 1
