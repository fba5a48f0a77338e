/** What happened, in words, newest first. */
import { el } from './dom.js'

/** @import { ClusterEvent } from '../cluster-view.ts' */

const EVENTS_MAX = 120

/** What is noise where one looks on: it is in `/events` and in the numbers. */
const QUIET = new Set(['vote', 'keyspace', 'called', 'repair', 'failed', 'siblings'])

/**
 * @param {Element} list
 * @param {ClusterEvent} event
 */
export function addEvent(list, event) {
  const told = wordsOf(event)
  if (told === undefined) return
  const [tone, words] = told
  const time = new Date(event.at).toLocaleTimeString([], { hour12: false })
  const line = el(
    'li',
    { class: tone, 'data-at': event.at },
    el('time', { datetime: event.at }, time),
    el('span', { class: 'who' }, event.replica ?? ''),
    el('span', {}, words),
  )
  // Each replica tells its own in order, but one may tell later than another.
  const before = [...list.children].find((other) => (other.getAttribute('data-at') ?? '') <= event.at)
  list.insertBefore(line, before ?? null)
  while (list.children.length > EVENTS_MAX) list.lastElementChild?.remove()
}

/**
 * Tone and words; nothing for what is not shown.
 * @param {ClusterEvent} event
 * @returns {[string, string] | undefined}
 */
function wordsOf(event) {
  if (QUIET.has(event.kind)) return undefined
  const e = /** @type {Record<string, any>} */ (event)
  switch (event.kind) {
    case 'reachability':
      return [e['state'] === 'reachable' ? 'good' : 'warn', `sees ${e['about']} ${e['state']}`]
    case 'quorum':
      return e['state'] === 'lost'
        ? ['bad', `has lost the majority: reaches ${e['reached']} of ${e['members']}`]
        : ['good', `has a majority: reaches ${e['reached']} of ${e['members']}`]
    case 'partition':
      return e['links'].length === 0 ? ['good', 'suspects no partition any more'] : ['bad', brokenWords(e['links'])]
    case 'leader':
      return e['leader'] === undefined
        ? ['warn', 'knows of no leader']
        : ['good', `follows ${e['leader'].id}, generation ${e['leader'].generation}`]
    case 'lease':
      return ['warn', `renewals do not get through: leads for ${Math.round(e['leftMs'])} ms more`]
    case 'exchange':
      return [
        e['outcome'] === 'done' ? 'good' : 'warn',
        `exchange with ${e['about']}: ${e['outcome']}, ${e['received']} records came`,
      ]
    case 'handoff':
      return ['good', `hands hints over to ${e['owner']}: ${e['state']}, ${e['count']}`]
    case 'standing':
      return [e['standing'] === 'serving' ? 'good' : 'warn', `${e['standing']}: ${e['why']}`]
    case 'visited':
      return ['good', `visits the resource with token ${e['token']}`]
    case 'fenced':
      return ['bad', `is fenced: token ${e['token']}, and ${e['highest']} was seen`]
    default:
      return handWords(event.kind, e)
  }
}

/**
 * What somebody did, and what became of processes.
 * @param {string} kind
 * @param {Record<string, any>} e
 * @returns {[string, string]}
 */
function handWords(kind, e) {
  switch (kind) {
    case 'link':
      return [
        e['state'] === 'open' ? 'good' : 'bad',
        `link ${e['from']} ${e['both'] ? '–' : '→'} ${e['to']}: ${e['state']}`,
      ]
    case 'partitioned':
      return ['bad', `cut into ${e['sides'].map((/** @type {string[]} */ side) => side.join(' ')).join(' | ')}`]
    case 'healed':
      return ['good', 'all links healed']
    case 'pause':
      return ['bad', 'frozen']
    case 'kill':
      return ['bad', 'killed']
    case 'revive':
      return ['good', 'let go on']
    case 'process-ready':
      return ['good', `serves, process ${e['pid']}, after ${e['ms']} ms`]
    case 'process-died':
      return ['bad', `died (${e['why']}); starts again in ${e['restartMs']} ms`]
    case 'process-ended':
      return ['warn', `ended (${e['why']})`]
    default:
      return ['', kind]
  }
}

/** @param {{ replica: string, broken: string }[]} links */
function brokenWords(links) {
  const words = links.map(({ replica, broken }) => `to ${replica}${broken === 'there' ? ' (one way)' : ''}`)
  return `suspects a partition: ${words.join(', ')}`
}
