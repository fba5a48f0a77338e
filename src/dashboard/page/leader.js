/** Who leads, for how long still, and what becomes of those who led before. */
import { act } from './actions.js'
import { byId, el, show } from './dom.js'
import { leaderOf } from './sides.js'

/** @import { ClusterState } from '../cluster-view.ts' */

/** The lease that the replicas stand with: three heartbeats. */
const LEASE_MS = 3_000

/** @param {ClusterState} state */
export function showLeader({ replicas, play }) {
  if (play === undefined) return
  const leader = leaderOf(replicas, play.group)
  const here = replicas.flatMap(({ id, state, report }) => {
    const own = report?.groups.find(({ group, isHere }) => isHere && group === play.group)
    return own === undefined || state !== 'running'
      ? []
      : [{ id, generation: own.leader?.generation, leftMs: own.leaseLeftMs }]
  })
  const holder = here.toSorted((a, b) => (b.generation ?? 0) - (a.generation ?? 0))[0]
  const tokens = replicas.map(({ id, token }) => ({ id, token }))
  const { highest, visits } = play.resource
  show(byId('leader'), [leader, holder !== undefined, tokens, highest, visits], () => [
    el(
      'div',
      { class: 'generation' },
      el('strong', {}, leader === undefined ? '–' : String(leader.generation)),
      el(
        'span',
        {},
        leader === undefined
          ? 'Nobody has led yet.'
          : holder === undefined
            ? `Nobody leads. ${leader.id} was the last.`
            : `${holder.id} leads, in generation ${holder.generation}.`,
        el('span', { class: 'lease', role: 'img', 'aria-label': 'lease left' }, el('span', { class: 'lease-left' })),
      ),
    ),
    el(
      'p',
      { class: 'small' },
      'A resource behind a fence: it has seen token ',
      el('strong', {}, String(highest)),
      ', and refuses any lower one. Let a leader of before act late:',
    ),
    el('div', { class: 'tokens' }, ...tokens.map((each) => tokenButton(each, highest))),
    el(
      'ol',
      { class: 'visits' },
      ...visits
        .slice(-4)
        .toReversed()
        .map(({ replica, token, accepted }) =>
          el(
            'li',
            { class: accepted ? 'good' : 'bad' },
            el('span', { class: `badge ${accepted ? 'good' : 'bad'}` }, accepted ? 'accepted' : 'fenced'),
            ` ${replica} with token ${token}`,
          ),
        ),
    ),
  ])
  const bar = document.querySelector('.lease-left')
  if (bar instanceof HTMLElement) bar.style.width = `${Math.min(100, (100 * (holder?.leftMs ?? 0)) / LEASE_MS)}%`
}

/**
 * @param {{ id: string, token?: number | undefined }} each
 * @param {number} highest
 */
function tokenButton({ id, token }, highest) {
  const isOld = token !== undefined && token < highest
  return el(
    'button',
    {
      type: 'button',
      'data-key': `token-${id}`,
      disabled: token === undefined,
      class: isOld ? 'bad' : '',
      onclick: () => act('visit', { replica: id }),
    },
    token === undefined ? `${id}: no token` : `${id}: token ${token}`,
  )
}
