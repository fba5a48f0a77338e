/**
 * Quorum systems over all replicas of a simulated cluster, drawn from the run's seed: majorities, votes, walls, zones,
 * and free expressions.
 */
import type { Random } from '../core/base/random.ts'
import type { Level } from '../core/quorum/level.ts'
import { shuffled } from './cut-shapes.ts'

/** One side, or the level in its place; what is left out is the dual of the other. */
export interface SystemPlan {
  readonly r?: Level
  readonly w?: Level
}

export interface SystemSetting {
  /** At least two. */
  readonly replicas: readonly string[]
  readonly zones: readonly string[]
}

/** A system whose reads meet its writes: one side, from which the other follows. */
export function drawSystem(random: Random, setting: SystemSetting): SystemPlan {
  const text = drawSide(random, setting)
  return random.chance(0.5) ? { r: text } : { w: text }
}

/** An expression over the replicas. */
export function drawSide(random: Random, { replicas, zones }: SystemSetting): string {
  const order = shuffled(random, replicas.length).map((at) => replicas[at] as string)
  switch (random.below(zones.length > 1 ? 6 : 4)) {
    case 0:
      return `majority of (${order.join(', ')})`
    case 1:
      return drawVotes(random, order)
    case 2:
      return drawWall(random, order)
    case 3:
      return drawFree(random, order)
    case 4:
      return `majority of (${zones.map((zone) => `majority of @${zone}`).join(', ')})`
    default:
      return zones.map((zone) => `majority of @${zone}`).join(' or ')
  }
}

function drawVotes(random: Random, order: readonly string[]): string {
  const votes = order.map(() => 1 + random.below(3))
  const total = votes.reduce((sum, vote) => sum + vote, 0)
  return `${1 + random.below(total)} of (${order.map((id, i) => `${id}*${votes[i]}`).join(', ')})`
}

/** Rows of two or three, one of which is asked in full. */
function drawWall(random: Random, order: readonly string[]): string {
  const rows: string[][] = []
  for (let at = 0; at < order.length;) {
    const row = order.slice(at, at + 2 + random.below(2))
    rows.push(row)
    at += row.length
  }
  return rows.map((row) => `all of (${row.join(', ')})`).join(' or ')
}

function drawFree(random: Random, order: readonly string[]): string {
  if (order.length === 1) return order[0] as string
  const cut = 1 + random.below(order.length - 1)
  const parts = [drawFree(random, order.slice(0, cut)), drawFree(random, order.slice(cut))]
  // A name may stand in two places, though not twice in one list.
  const again = drawFree(random, order.slice(0, 1 + random.below(order.length)))
  if (random.chance(0.3) && !parts.includes(again)) parts.push(again)
  return `${1 + random.below(parts.length)} of (${parts.join(', ')})`
}
