/**
 * Which replica gives a write its dot.
 *
 * A write's *home* is one incarnation of one replica, chosen before the write is sent; its identity names it. Nobody
 * else ever mints the write, so it has one dot however often and through whomever it is retried. The price is paid by
 * writes that were under way to a home that died: they wait for it, and their outcome is unknown while it is away. A
 * new write chooses among the replicas that can be reached.
 * Ring: decisions.
 */
import type { PreferenceList } from '../placement/placement.ts'
import type { View } from './operation.ts'

/**
 * The position whose replica is to mint a new write: the one in this process if there is one, else the first that
 * can be reached, does not lag, and has said who it is. -1 for none.
 */
export function chooseHome(list: PreferenceList, view: View, refused = 0): number {
  let able = 0
  for (let position = 0; position < list.replicas.length; position++) {
    if (view.lives[list.replicas[position] as number] !== undefined) able |= 1 << position
  }
  able &= view.usable & ~refused
  if (view.local >= 0 && able & (1 << view.local)) return view.local
  const good = able & ~view.slow
  return 31 - Math.clz32(lowest(good === 0 ? able : good))
}

/** The position of the replica with this incarnation, or -1 while none is known. */
export function homeAt(incarnation: number, list: PreferenceList, view: View): number {
  return list.replicas.findIndex((replica) => view.lives[replica]?.incarnation === incarnation)
}

function lowest(mask: number): number {
  return mask & -mask
}
