/**
 * What happens at a replica, as lines for whoever reads its output: with --json one object each, with the time and the
 * names of the notice's own fields.
 */
import type { Notice } from '../core/notice.ts'
import type { Node } from '../runtime/node.ts'
import type { Output } from './output.ts'

/** Tells from now on. What happens with every call is left out: metrics count it. */
export function tellNotices(node: Pick<Node, 'observe'>, output: Output): void {
  node.observe((notice) => {
    const text = textOf(notice)
    if (text === undefined) return
    const { kind, ...fields } = notice
    output.tell({ event: kind, at: new Date().toISOString(), ...fields }, text)
  })
}

/** Nothing for what is not told. */
function textOf(notice: Notice): string | undefined {
  switch (notice.kind) {
    case 'reachability':
      return `replica ${notice.replica} is ${notice.state}, and was ${notice.before}`
    case 'quorum':
      return `the majority is ${notice.state}: ${notice.reached} of ${notice.members} replicas are reached`
    case 'partition':
      return notice.links.length === 0 ? 'no partition is suspected any more' : partitionText(notice.links)
    case 'leader':
      return notice.leader === undefined
        ? `${notice.group}: nobody is known to lead`
        : `${notice.group}: ${notice.leader.id} leads, generation ${notice.leader.generation}`
    case 'lease':
      return `${notice.group}: renewals do not get through, ${Math.round(notice.leftMs)} ms of the lease are left`
    case 'handoff':
      return `handing over to ${notice.owner} ${notice.state}: ${notice.count} records`
    case 'refused':
      return `replica ${notice.replica} and this one do not go together: ${notice.reason}`
    case 'damaged':
      return `a record is damaged on this disk: ${notice.keyspace} ${JSON.stringify(notice.key)}`
    case 'older-copy':
      return `the data is an older copy: ${notice.why}`
    case 'set-aside':
      return `it lies in ${notice.directory ?? 'no directory'}; this replica begins anew`
    case 'standing':
      return `${notice.keyspace === undefined ? '' : `${notice.keyspace}: `}${notice.standing}: ${notice.why}`
    default:
      return undefined
  }
}

function partitionText(links: readonly { readonly replica: string; readonly broken: 'there' | 'both' }[]): string {
  const names = links.map(({ replica, broken }) => `${replica}${broken === 'there' ? ' (one way)' : ''}`)
  return `a partition is suspected: no link to ${names.join(', ')}`
}
