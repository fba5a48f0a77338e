/**
 * Whether a keyspace's quorums can be used in this cluster: every key's replicas hold them, and reads meet writes.
 *
 * Counts and levels below r + w > n are a choice, and receipts say `strict: false`. Whoever writes sets down wants the
 * proof: those that do not meet are refused.
 * Ring: decisions.
 */
import { invalid, QuorateError } from '../base/errors.ts'
import type { KeyspaceDefinition } from '../keyspace-definition.ts'
import type { ResolvedKeyspace } from '../options.ts'
import type { Member, Membership } from '../placement/membership.ts'
import { Placement, type PreferenceList } from '../placement/placement.ts'
import { meets, type Expression } from '../quorum/expression.ts'
import { disjointError, findDisjoint, type Disjoint } from '../quorum/intersect.ts'
import { dependsOnPlace, type Layout } from '../quorum/level.ts'
import { isFixed, isLevel, namesReplicas, quorumExpression, unfit } from '../quorum/quorum-text.ts'

/**
 * Throws `QUORATE_INVALID_OPTION` for quorums that some key's replicas cannot form, `QUORATE_QUORUMS_DISJOINT` for
 * expressions that do not meet, and in mode `cp` for any quorums of the two phases that do not, and `QUORATE_LIMIT`
 * where that cannot be told.
 */
export function proveQuorums(
  { definition, strategy }: Pick<ResolvedKeyspace, 'definition' | 'strategy'>,
  membership: Membership,
): void {
  checkQuorums(definition, membership)
  const { read, write, mode } = definition
  const expressions = !isLevel(read) || !isLevel(write) || mode === 'cp'
  if (!expressions && strategy === undefined) return
  for (const layout of layoutsOf(definition, membership, strategy !== undefined)) {
    if (strategy !== undefined) checkShares(strategy.reads, read, layout)
    if (!expressions) continue
    for (const reads of anywhere(read, layout)) {
      for (const writes of anywhere(write, layout)) {
        const disjoint = findDisjoint({ reads, writes })
        if (disjoint !== undefined) throw mode === 'cp' ? phasesError(disjoint) : disjointError(disjoint)
      }
    }
    if (isFixed(read) && isFixed(write)) return
  }
}

function phasesError({ read, write }: Disjoint): QuorateError {
  const sets = `the phase-1 quorum (${read.join(', ')}) and the phase-2 quorum (${write.join(', ')})`
  const message = `${sets} do not meet: two values could be chosen. Ask for more in one phase, or leave one out to have it derived.`
  return new QuorateError('QUORATE_QUORUMS_DISJOINT', message, { read, write })
}

/** The first half of it: that the definition makes sense in this cluster. Throws `QUORATE_INVALID_OPTION`. */
export function checkQuorums(definition: KeyspaceDefinition, membership: Membership): void {
  const { n, read, write } = definition
  const { members } = membership
  if (n > members.length) throw invalid(`n is ${n}, and there are ${members.length} replicas`)
  if (definition.leader === true && n < members.length) {
    throw invalid(`n is ${n}: with a leader all ${members.length} members hold all keys`)
  }
  const expressions = [read, write].filter((text) => !isLevel(text))
  if (expressions.length === 0) return
  for (const layout of layoutsOf(definition, membership)) {
    for (const text of expressions) {
      try {
        quorumExpression(text, layout)
      } catch (error) {
        throw n === members.length ? error : unfit(text, layout, error)
      }
    }
  }
}

/** What a canonical text asks for, seen from each zone that a coordinator could be in. */
export function anywhere(text: string, layout: Layout): readonly Expression[] {
  if (!dependsOnPlace(text)) return [quorumExpression(text, layout)]
  return [...new Set(layout.zones)].map((zone) => quorumExpression(text, { ...layout, zone }))
}

/** The ids and zones of a list, as the coordinator in `zone` sees it. */
export function layoutOf(list: PreferenceList, membership: Membership, zone: string): Layout {
  const replicas = list.replicas.map((replica) => (membership.members[replica] as Member).id)
  return { replicas, zones: list.zones, zone }
}

/** One of each kind: where no replica is named, lists that are spread alike over the zones are of one kind. */
function layoutsOf({ n, read, write }: KeyspaceDefinition, membership: Membership, named = false): readonly Layout[] {
  const layouts = new Placement(membership, n).distinct.map((list) => layoutOf(list, membership, ''))
  if (named || namesReplicas(read) || namesReplicas(write)) return layouts
  return [...new Map(layouts.map((layout) => [layout.zones.toSorted().join(' '), layout])).values()]
}

/** Each set that a strategy asks must be a read quorum of every key. */
function checkShares(shares: readonly { readonly quorum: readonly string[] }[], read: string, layout: Layout): void {
  for (const expression of anywhere(read, layout)) {
    for (const { quorum } of shares) {
      if (meets(expression, (id) => quorum.includes(id) && layout.replicas.includes(id))) continue
      throw invalid(
        `strategy.reads asks ${quorum.join(', ')}, which is no read quorum of keys on ${layout.replicas.join(', ')}`,
      )
    }
  }
}
