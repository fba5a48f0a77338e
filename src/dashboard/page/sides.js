/** The two sides, AP and CP: what each replica holds of the key, and what the last call came to. */
import { byId, chip, el, msText, show } from './dom.js'

/**
 * @import { ClusterState, ReplicaView } from '../cluster-view.ts'
 * @typedef {{ ok: boolean, status: number, ms: number, answer: Record<string, any> }} SideAnswer
 * @typedef {{ kind: string, via: string, key: string, value?: string | undefined }} Asked
 */

/**
 * @param {ClusterState} state
 * @param {() => void} merge
 */
export function showSides({ replicas, play }, merge) {
  if (play === undefined) return
  const copies = (/** @type {'ap' | 'cp'} */ side) =>
    replicas.map(({ id, state, copies: held }) => {
      const copy = held?.[side]
      return { id, isHere: state === 'running', values: copy?.values ?? [], revision: copy?.revision }
    })
  const ap = copies('ap')
  const cp = copies('cp')
  show(byId('ap-copies'), [play.key, ap], () => [verdictAp(ap, merge), copiesTable(play.key, ap)])
  show(byId('cp-copies'), [play.key, cp], () => [verdictCp(cp), copiesTable(play.key, cp)])
}

/** @typedef {{ id: string, isHere: boolean, values: readonly unknown[], revision: number | undefined }} CopyRow */

/**
 * @param {CopyRow[]} rows
 * @param {() => void} merge
 */
function verdictAp(rows, merge) {
  const texts = new Set(rows.map(({ values }) => JSON.stringify(values.map(String).toSorted())))
  const most = Math.max(...rows.map(({ values }) => values.length))
  if (most === 0 && texts.size === 1) return verdict('calm', 'Nothing is written yet.')
  if (texts.size > 1) return verdict('warn', 'The replicas hold different things.')
  if (most === 1) return verdict('good', 'All replicas hold the same.')
  return el(
    'div',
    { class: 'verdict warn' },
    el('span', {}, `${most} siblings on every replica: written without knowing of each other.`),
    el('button', { type: 'button', 'data-key': 'merge', onclick: merge }, 'Merge them'),
  )
}

/** @param {CopyRow[]} rows */
function verdictCp(rows) {
  const newest = Math.max(...rows.map(({ revision }) => revision ?? 0))
  if (newest === 0) return verdict('calm', 'Nothing is written yet.')
  const behind = rows.filter(({ revision }) => (revision ?? 0) < newest).map(({ id }) => id)
  if (behind.length === 0) return verdict('good', `All replicas are at revision ${newest}.`)
  return verdict('calm', `Revision ${newest}; ${behind.join(' and ')} behind, and not asked alone.`)
}

/**
 * @param {string} tone
 * @param {string} words
 */
function verdict(tone, words) {
  return el('p', { class: `verdict ${tone}` }, words)
}

/**
 * @param {string} key
 * @param {CopyRow[]} rows
 */
function copiesTable(key, rows) {
  return el(
    'table',
    { class: 'copies' },
    el('caption', {}, 'copies of ', el('code', {}, key)),
    el(
      'tbody',
      {},
      ...rows.map(({ id, isHere, values, revision }) =>
        el(
          'tr',
          { class: isHere ? '' : 'away' },
          el('th', { scope: 'row' }, id),
          el('td', {}, ...(values.length === 0 ? [el('span', { class: 'none' }, '–')] : values.map(chip))),
          el('td', { class: 'revision' }, revision === undefined || revision === 0 ? '' : `rev ${revision}`),
        ),
      ),
    ),
  )
}

/**
 * @param {'ap' | 'cp'} side
 * @param {Asked} asked
 * @param {SideAnswer | undefined} came nothing while it is under way
 */
export function showAnswer(side, asked, came) {
  show(byId(`${side}-answer`), [asked, came], () => {
    const what = asked.value === undefined ? asked.kind : `write ${asked.value}`
    const head = el('span', { class: 'what' }, `${what} through ${asked.via}`)
    if (came === undefined)
      return [el('div', { class: 'answer' }, head, el('span', { class: 'badge wait' }, 'asking …'))]
    const { ok, answer, ms } = came
    return [
      el(
        'div',
        { class: `answer ${ok ? 'good' : 'bad'}` },
        head,
        badge(came),
        el('p', {}, ok ? promiseOf(side, asked, answer) : refusalOf(answer)),
        el('p', { class: 'small' }, `after ${msText(ms)}`, ok ? replicasOf(answer['receipt']) : ''),
        el(
          'details',
          { 'data-key': `${side}-receipt` },
          el('summary', {}, ok ? 'receipt' : 'error'),
          el('pre', { tabindex: 0 }, JSON.stringify(answer['receipt'] ?? answer, null, 2)),
        ),
      ),
    ]
  })
}

/** @param {SideAnswer} came */
function badge({ ok, answer }) {
  if (ok) return el('span', { class: 'badge good' }, 'accepted')
  const isUnknown = answer['outcome'] !== 'none'
  return el('span', { class: `badge ${isUnknown ? 'warn' : 'bad'}` }, isUnknown ? 'unknown' : 'refused')
}

/**
 * @param {'ap' | 'cp'} side
 * @param {Asked} asked
 * @param {Record<string, any>} answer
 */
function promiseOf(side, { kind }, answer) {
  const receipt = answer['receipt']
  if (kind === 'read' || (side === 'cp' && kind === 'merge')) {
    const values = side === 'cp' ? (answer['found'] ? [answer['value']] : []) : (answer['siblings'] ?? [])
    const seen = values.length === 0 ? 'Nothing there.' : `Saw ${values.join(' | ')}.`
    const isStrict = side === 'cp' || receipt?.strict
    return `${seen} ${isStrict ? 'No acknowledged write can have been missed.' : 'It may have missed a write.'}`
  }
  const reached =
    receipt === undefined ? '' : `On ${receipt.reached} of ${Object.keys(receipt.replicas).length} replicas`
  if (side === 'cp') return `${reached}, as revision ${answer['revision']}.`
  const seenBy = receipt?.strict ? 'Every read at the usual level sees it.' : 'Reads may miss it for a while.'
  return `${reached} when it was acknowledged. ${seenBy}`
}

/** @param {Record<string, any>} answer */
function refusalOf({ message = '', outcome }) {
  const words = `${String(message).charAt(0).toUpperCase()}${String(message).slice(1)}.`
  return outcome === 'none' ? words : `${words} Whether it happened is not known.`
}

/** @param {Record<string, any> | undefined} receipt */
function replicasOf(receipt) {
  if (receipt === undefined) return ''
  const parts = Object.entries(receipt['replicas']).map(([id, said]) => {
    const { state, ms } = /** @type {{ state: string, ms?: number }} */ (said)
    return `${id} ${state}${ms === undefined ? '' : ` ${msText(ms)}`}`
  })
  return `: ${parts.join(', ')}`
}

/**
 * Who leads the group, as the highest generation says that anybody has heard of.
 * @param {readonly ReplicaView[]} replicas
 * @param {string} group
 */
export function leaderOf(replicas, group) {
  const leaders = replicas.flatMap(({ report }) => report?.groups.find((each) => each.group === group)?.leader ?? [])
  return leaders.toSorted((a, b) => b.generation - a.generation)[0]
}
