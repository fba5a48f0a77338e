/**
 * Who the members are, as configured at start, and the number that names this membership in every frame.
 *
 * Ring: values.
 */
import { invalid } from '../base/errors.ts'
import { fingerprint } from '../base/hash.ts'
import { shown } from '../base/shape.ts'
import { POSITIONS_MAX } from '../quorum/quorum.ts'

export interface Member {
  readonly id: string
  /** Where it stands; empty for unknown. Zones count only when every member has one: half a map spreads nothing. */
  readonly zone: string
}

/** The replicas, sorted by id; a replica's *index* is its place here. */
export interface Membership {
  readonly members: readonly Member[]
  /** Names this membership: nodes configured otherwise do not talk to each other. */
  readonly epoch: number
}

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** Names of nodes and clients, which stand in records. Throws `QUORATE_INVALID_OPTION`. */
export function checkId(id: unknown, what: string): void {
  if (typeof id === 'string' && ID.test(id)) return
  throw invalid(`${shown(id)} is not ${what}: use up to 64 letters, digits, dots, dashes, underscores`)
}

/** Checks and sorts. Throws `QUORATE_INVALID_OPTION` for ids that are doubled, and ids and zones that are not plain names. */
export function membershipOf(members: readonly Member[]): Membership {
  if (members.length === 0) throw invalid('a cluster needs at least one replica')
  if (members.length > POSITIONS_MAX) {
    throw invalid(`${members.length} replicas are more than the ${POSITIONS_MAX} that a cluster can have`)
  }
  for (const { id, zone } of members) {
    checkId(id, 'a replica id')
    if (zone !== '' && (typeof zone !== 'string' || !ID.test(zone))) {
      throw invalid(`${shown(zone)} is not a zone: use up to 64 letters, digits, dots, dashes, underscores`)
    }
  }
  const zoned = members.every(({ zone }) => zone !== '')
  const sorted = members
    .map(({ id, zone }) => ({ id, zone: zoned ? zone : '' }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  for (let i = 1; i < sorted.length; i++) {
    const id = (sorted[i] as Member).id
    if (id === sorted[i - 1]?.id) throw invalid(`replica id ${JSON.stringify(id)} is given twice`)
  }
  return { members: sorted, epoch: fingerprint(JSON.stringify(sorted.map(({ id, zone }) => [id, zone]))) }
}

/** The index of a replica, or -1. */
export function indexOf(membership: Membership, id: string): number {
  return membership.members.findIndex((member) => member.id === id)
}

/** The id of the replica with this index. */
export function nameIn({ members }: Membership, index: number): string {
  return (members[index] as Member).id
}
