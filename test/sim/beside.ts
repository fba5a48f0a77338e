/**
 * Our own modes on the schedules of the wrong approaches: a schedule as faults, and which replicas may go on while it
 * lasts.
 */
import type { Fault } from '../../src/sim/index.ts'
import { SCHEDULE_MS, type Cut, type Schedule } from './schedules.ts'

/** Nothing but the schedule happens to the network. */
export const CALM = { lossRate: 0, duplicateRate: 0, replayRate: 0, inOrder: true, nearMs: 1, farMs: 1 }

/** Clients that are no replica stay connected to everybody. */
export function nemesisOf({ cuts, slow }: Schedule): {
  readonly classes: readonly []
  readonly faults: readonly Fault[]
  readonly conditions: typeof CALM
  readonly permanent: false
} {
  const faults: Fault[] = cuts.map(({ shape, links, fromMs, toMs }) => ({
    kind: 'cut',
    shape,
    links,
    atMs: fromMs,
    forMs: toMs - fromMs,
    holds: false,
    isTold: false,
  }))
  if (slow !== undefined) {
    const { replica, factor, fromMs, toMs } = slow
    faults.push({ kind: 'slow', host: replica, factor, atMs: fromMs, forMs: toMs - fromMs })
  }
  return { classes: [], faults, conditions: CALM, permanent: false }
}

/** Replicas that hear, and are heard by, a majority while the links are cut, themselves counted. */
export function connectedDuring({ links }: Cut, replicas: number): number[] {
  const all = Array.from({ length: replicas }, (_, replica) => replica)
  const isCut = (from: number, to: number): boolean => links.some((link) => link.from === from && link.to === to)
  return all.filter((one) => 2 * all.filter((other) => !isCut(one, other) && !isCut(other, one)).length > replicas)
}

/** Everything is healed long before the end. */
export const DURATION_MS = SCHEDULE_MS
