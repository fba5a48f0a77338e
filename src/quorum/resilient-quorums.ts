/**
 * Sets that are still quorums after any f of their members have failed: whoever asks one of them need not ask again.
 *
 * A table says for every set of nodes whether it is a quorum. A set withstands one failure when it is a quorum without
 * each of its members in turn, and f failures when each of those sets withstands f - 1.
 */
import { minimalMasks, QUORUMS_MAX } from './minimal-quorums.ts'
import { compareSets, tooMuch, type Side } from './sides.ts'

/** A table has an entry for every set. */
export const TABLE_NODES_MAX = 20

/** Minimal sets that are quorums whichever `failures` of their members fail, as masks, small ones first; maybe none. */
export function resilientMasks(side: Side, failures: number): readonly number[] {
  const minimal = minimalMasks(side)
  if (failures === 0) return minimal
  const size = side.nodes.length
  if (size > TABLE_NODES_MAX) {
    throw tooMuch(`quorums that survive failures are found among at most ${TABLE_NODES_MAX} nodes, not ${size}`)
  }
  let table = quorumTable(minimal, size)
  for (let round = 0; round < failures; round++) table = withoutAnyOne(table, size)
  const masks = minimalIn(table, size)
  if (masks.length > QUORUMS_MAX) {
    throw tooMuch(`there are ${masks.length} quorums that survive ${failures}, and at most ${QUORUMS_MAX} are listed`)
  }
  return masks.toSorted(compareSets)
}

/** For every set of nodes whether it is a quorum. */
export function quorumTable(minimal: readonly number[], size: number): Uint8Array {
  const table = new Uint8Array(1 << size)
  for (const mask of minimal) table[mask] = 1
  for (let bit = 1; bit < table.length; bit <<= 1) {
    for (let mask = 0; mask < table.length; mask++) {
      if ((mask & bit) !== 0 && table[mask ^ bit] === 1) table[mask] = 1
    }
  }
  return table
}

function withoutAnyOne(table: Uint8Array, size: number): Uint8Array {
  const next = new Uint8Array(table.length)
  for (let mask = 1; mask < table.length; mask++) {
    if (table[mask] === 1 && everyMember(mask, size, (bit) => table[mask ^ bit] === 1)) next[mask] = 1
  }
  return next
}

function minimalIn(table: Uint8Array, size: number): number[] {
  const masks: number[] = []
  for (let mask = 1; mask < table.length; mask++) {
    if (table[mask] === 1 && everyMember(mask, size, (bit) => table[mask ^ bit] === 0)) masks.push(mask)
  }
  return masks
}

function everyMember(mask: number, size: number, holds: (bit: number) => boolean): boolean {
  for (let position = 0; position < size; position++) {
    const bit = 1 << position
    if ((mask & bit) !== 0 && !holds(bit)) return false
  }
  return true
}
