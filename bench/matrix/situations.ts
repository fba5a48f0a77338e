/**
 * What goes wrong while clients work, in the simulator and among real processes alike.
 */

/** Milliseconds since clients began to work. */
export interface Situation {
  readonly name: string
  readonly about: string
  readonly trouble: 'none' | 'slow' | 'dead' | 'partition'
  /** When it begins, and for how long; without an end it lasts until clients have stopped. */
  readonly fromMs: number
  readonly forMs: number
  /** How long clients work; as long as their calls take where there is nothing to wait for. */
  readonly durationMs: number | undefined
}

const FROM_MS = 2_000
const HEALS_MS = 4_000
const DURATION_MS = 10_000

export const SLOW_FACTOR = 20

export const SITUATIONS: readonly Situation[] = [
  { name: 'healthy', about: 'nothing', trouble: 'none', fromMs: 0, forMs: 0, durationMs: undefined },
  {
    name: 'one-slow',
    about: `one replica answers ${SLOW_FACTOR} times slower`,
    trouble: 'slow',
    fromMs: 0,
    forMs: Infinity,
    durationMs: undefined,
  },
  {
    name: 'one-dead',
    about: 'one replica is killed after 2 s, for good',
    trouble: 'dead',
    fromMs: FROM_MS,
    forMs: Infinity,
    durationMs: DURATION_MS,
  },
  {
    name: 'partition',
    about: 'from 2 s on a minority of the replicas and a third of the clients are cut off',
    trouble: 'partition',
    fromMs: FROM_MS,
    forMs: Infinity,
    durationMs: DURATION_MS,
  },
  {
    name: 'healing',
    about: 'the same, and healed after 6 s',
    trouble: 'partition',
    fromMs: FROM_MS,
    forMs: HEALS_MS,
    durationMs: DURATION_MS,
  },
]

/** How many replicas are on the smaller side. */
export function minorityOf(replicas: number): number {
  return Math.floor((replicas - 1) / 2)
}
