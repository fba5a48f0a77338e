/** The page: listens to the cluster and shows it, and hands what is clicked over to the server. */
import { act, pull } from './actions.js'
import { Chart } from './chart.js'
import { byId, el, show } from './dom.js'
import { addEvent } from './events.js'
import { showHealth, showNumbers } from './health.js'
import { showLeader } from './leader.js'
import { listenForMenu } from './menu.js'
import { Picture } from './picture.js'
import { leaderOf, showAnswer, showSides } from './sides.js'

/**
 * @import { ClusterMessage, ClusterState } from '../cluster-view.ts'
 */

const SUGGESTED = ['blue', 'orange', 'green', 'purple', 'teal', 'crimson', 'gold', 'navy']

const STEADY_HINT =
  'Turn on steady writes: both keyspaces are written about twice a second, through the chosen replica.'

/** @type {ClusterState | undefined} */
let state
/** The replica through which calls go. */
let via = ''
/** When steady writes were last clicked. */
let steadyAtMs = -Infinity
/** Made with the first state: what it draws depends on whether there are levers. @type {Chart | undefined} */
let chart
const picture = new Picture(byId('picture'), { onVia: (id) => choose(id) })
const key = /** @type {HTMLInputElement} */ (byId('key'))
const value = /** @type {HTMLInputElement} */ (byId('value'))
const level = /** @type {HTMLSelectElement} */ (byId('level'))
const steady = /** @type {HTMLInputElement} */ (byId('steady'))

/** @param {ClusterState} next */
function showState(next) {
  state = next
  const { play, replicas } = next
  chart ??= new Chart(byId('chart'), play === undefined ? 'nothing yet' : STEADY_HINT)
  if (play === undefined) chart.add(slowestOf(next))
  document.body.classList.toggle('playing', play !== undefined)
  document.title = play === undefined ? 'quorate dashboard' : 'quorate explorer'
  if (via === '' && replicas[0] !== undefined) via = replicas[0].id
  const leader = play && leaderOf(replicas, play.group)
  const leads =
    leader !== undefined &&
    replicas.some(({ id, state: how, report }) => {
      return (
        id === leader.id &&
        how === 'running' &&
        report?.groups.some(({ group, isHere }) => isHere && group === play?.group)
      )
    })
  picture.show(next, { via, leader: leads ? leader : undefined })
  showHealth(next)
  showNumbers(next)
  showVia()
  showSides(next, () => void call('merge'))
  showLeader(next)
  // A state that was on its way when somebody clicked does not undo the click.
  const isClickOld = performance.now() - steadyAtMs > 1_500
  if (play !== undefined && isClickOld) steady.checked = play.steadyVia !== undefined
}

/**
 * Of each replica that reports, the slowest round trip to another.
 * @param {ClusterState} next
 */
function slowestOf({ replicas }) {
  return Object.fromEntries(
    replicas.map(({ id, report, state: how }) => {
      const others = Object.values(report?.replicas ?? {})
      const ms = Math.max(0, ...others.map(({ latencyMs }) => latencyMs))
      return [`round trips of ${id}`, { ok: how === 'running', ms }]
    }),
  )
}

function showVia() {
  const ids = state?.replicas.map(({ id }) => id) ?? []
  show(byId('via'), [ids, via], () =>
    ids.map((id) => {
      const radio = {
        type: 'radio',
        name: 'via',
        value: id,
        checked: id === via,
        'data-key': `via-${id}`,
        onchange: () => choose(id),
      }
      return el('label', {}, el('input', radio), el('span', {}, id))
    }),
  )
}

/** @param {string} id */
function choose(id) {
  via = id
  if (state !== undefined) showState(state)
  if (steady.checked) act('steady', { via })
}

/**
 * A write replaces what it sees, as applications do: siblings are then of writes that did not know of each other.
 * @param {'replace' | 'read' | 'merge'} kind
 */
async function call(kind) {
  const asked = { kind, via, key: key.value, level: level.value, ...(kind === 'replace' && { value: value.value }) }
  showAnswer('ap', asked, undefined)
  showAnswer('cp', asked, undefined)
  if (kind === 'replace') suggest()
  try {
    const { ap, cp } = await pull('call', asked)
    showAnswer('ap', asked, ap)
    showAnswer('cp', asked, cp)
  } catch (error) {
    const { message, code } = /** @type {Error & { code?: string }} */ (error)
    const failed = { ok: false, status: 0, ms: 0, answer: { message, code, outcome: 'none' } }
    showAnswer('ap', asked, failed)
    showAnswer('cp', asked, failed)
  }
}

/** Another value for the next write, unless somebody has a mind of their own. */
function suggest() {
  const at = SUGGESTED.indexOf(value.value)
  if (at >= 0) value.value = SUGGESTED[(at + 1) % SUGGESTED.length] ?? ''
}

function isolate() {
  if (state?.play === undefined) return
  const ids = state.replicas.map(({ id }) => id)
  const alone = leaderOf(state.replicas, state.play.group)?.id ?? ids[0] ?? ''
  act('partition', { sides: [[alone], ids.filter((id) => id !== alone)] })
}

/** @param {ClusterMessage} message */
function take(message) {
  if (message.kind === 'state') showState(message.state)
  else if (message.kind === 'event') addEvent(byId('events'), message.event)
  else if (message.kind === 'sample') chart?.add({ AP: message.sample.ap, CP: message.sample.cp })
}

function listen() {
  const stream = new EventSource('/cluster/events')
  stream.addEventListener('open', () => {
    // What happened before is told anew with each connection.
    byId('events').replaceChildren()
  })
  stream.addEventListener('message', ({ data }) => take(JSON.parse(data)))
  stream.addEventListener('error', () => {
    const pill = byId('health')
    pill.className = 'pill bad'
    pill.textContent = 'this server does not answer; trying again'
  })
}

function theme() {
  const known = localStorage.getItem('quorate-theme')
  if (known !== null) document.documentElement.dataset['theme'] = known
  byId('theme').addEventListener('click', () => {
    const isDark = getComputedStyle(document.documentElement).colorScheme.includes('dark')
    const next = isDark ? 'light' : 'dark'
    document.documentElement.dataset['theme'] = next
    localStorage.setItem('quorate-theme', next)
  })
}

byId('call').addEventListener('submit', (event) => {
  event.preventDefault()
  const { submitter } = event
  void call(submitter instanceof HTMLButtonElement && submitter.value === 'read' ? 'read' : 'replace')
})
key.addEventListener('change', () => key.value !== '' && act('key', { key: key.value }))
steady.addEventListener('change', () => {
  steadyAtMs = performance.now()
  act('steady', { via: steady.checked ? via : null })
})
byId('heal').addEventListener('click', () => act('heal', {}))
byId('isolate').addEventListener('click', isolate)
theme()
listenForMenu()
listen()
