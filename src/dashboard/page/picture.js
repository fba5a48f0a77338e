/** The replicas as a picture: who is there, who leads, what each holds, and how the links between them are. */
import { act } from './actions.js'
import { bytesText, colourOf, msText, set, svg } from './dom.js'
import { openMenu } from './menu.js'

/**
 * @import { ClusterState, LinkView, ReplicaView } from '../cluster-view.ts'
 * @typedef {{ x: number, y: number }} Point
 * @typedef {Pick<ReplicaView, 'id' | 'report' | 'copies'> & { state: ReplicaView['state'] | 'unasked' }} ReplicaLook
 * @typedef {{ onVia: (id: string) => void }} Hands
 */

const WIDTH = 520
const HEIGHT = 430
const RADIUS = 42
const OFFSET = 5

const STATE_WORDS = /** @type {Record<string, string>} */ ({
  running: '',
  silent: 'no answer',
  starting: 'starting',
  waiting: 'restarting',
  paused: 'frozen',
  killed: 'killed',
  stopped: 'stopped',
  unasked: '',
})

export class Picture {
  /** @type {Element} */
  #parent
  /** @type {Hands} */
  #hands
  #ids = ''
  /** @type {Map<string, Element>} */
  #nodes = new Map()
  /** @type {Map<string, Element>} */
  #links = new Map()

  /**
   * @param {Element} parent
   * @param {Hands} hands
   */
  constructor(parent, hands) {
    this.#parent = parent
    this.#hands = hands
  }

  /**
   * @param {ClusterState} state
   * @param {{ via: string | undefined, leader: { id: string, generation: number } | undefined }} now
   */
  show(state, { via, leader }) {
    const replicas = allOf(state.replicas)
    const ids = replicas.map(({ id }) => id)
    if (ids.join() !== this.#ids) this.#draw(ids, state.play !== undefined)
    for (const [a, b] of pairsOf(ids)) this.#showLink(a, b, { play: state.play, replicas })
    for (const replica of replicas) this.#showNode(replica, { via, leader, isPlay: state.play !== undefined })
  }

  /**
   * @param {string[]} ids
   * @param {boolean} isPlay
   */
  #draw(ids, isPlay) {
    this.#ids = ids.join()
    const points = new Map(ids.map((id, index) => [id, pointOf(index, ids.length)]))
    const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'group', 'aria-label': 'replicas and links' })
    for (const [a, b] of pairsOf(ids)) {
      const link = linkOf(/** @type {Point} */ (points.get(a)), /** @type {Point} */ (points.get(b)))
      this.#links.set(`${a} ${b}`, link)
      picture.append(link)
      if (isPlay) pressable(link, () => this.#linkMenu(link, a, b))
    }
    for (const id of ids) {
      const node = nodeOf(id, /** @type {Point} */ (points.get(id)))
      this.#nodes.set(id, node)
      picture.append(node)
      if (isPlay) pressable(node, () => this.#nodeMenu(node, id))
    }
    this.#parent.replaceChildren(picture)
  }

  /**
   * @param {string} a
   * @param {string} b
   * @param {{ play: ClusterState['play'], replicas: readonly ReplicaLook[] }} state
   */
  #showLink(a, b, { play, replicas }) {
    const link = this.#links.get(`${a} ${b}`)
    if (link === undefined) return
    const there = wayOf(play?.links, replicas, a, b)
    const back = wayOf(play?.links, replicas, b, a)
    const [first, second] = [...link.querySelectorAll('.way')]
    if (first !== undefined) set(first, { class: `way ${there.look}` })
    if (second !== undefined) set(second, { class: `way ${back.look}` })
    const words = wordsOf(a, b, there, back)
    const note = noteOf(there, back)
    const label = link.querySelector('text')
    if (label !== null && label.textContent !== note) label.textContent = note
    set(link.querySelector('.label-back') ?? link, { visibility: note === '' ? 'hidden' : 'visible' })
    set(link, { 'aria-label': `Link between ${a} and ${b}: ${words}`, 'data-state': `${there.look} ${back.look}` })
  }

  /**
   * @param {ReplicaLook} replica
   * @param {{ via: string | undefined, leader: { id: string, generation: number } | undefined, isPlay: boolean }} now
   */
  #showNode({ id, state, report, copies }, { via, leader, isPlay }) {
    const node = this.#nodes.get(id)
    if (node === undefined) return
    const leads = leader?.id === id
    const standing = state === 'running' && report?.standing === 'catching-up' ? 'catching up' : STATE_WORDS[state]
    set(node, {
      class: `node ${state} ${leads ? 'leads' : ''} ${via === id && isPlay ? 'via' : ''}`,
      'aria-label': `Replica ${id}: ${standing || 'running'}${leads ? `, leader of generation ${leader.generation}` : ''}`,
    })
    text(node, '.node-state', standing || (leads ? `leads · ${leader.generation}` : ''))
    dots(node.querySelector('.dots'), copies)
  }

  /**
   * @param {Element} link
   * @param {string} a
   * @param {string} b
   */
  #linkMenu(link, a, b) {
    const change = (/** @type {object} */ how) => () => act('link', { from: a, to: b, both: true, ...how })
    openMenu(link, `Link ${a} – ${b}`, [
      { label: 'Cut both ways', tone: 'bad', act: change({ state: 'cut' }) },
      { label: `Cut ${a} → ${b} only`, tone: 'bad', act: change({ state: 'cut', both: false }) },
      { label: `Cut ${b} → ${a} only`, tone: 'bad', act: change({ from: b, to: a, state: 'cut', both: false }) },
      { label: 'Slow: 400 ms each way', act: change({ state: 'slow', delayMs: 400 }) },
      { label: 'Heal', tone: 'good', act: change({ state: 'open' }) },
    ])
  }

  /**
   * @param {Element} node
   * @param {string} id
   */
  #nodeMenu(node, id) {
    const others = this.#ids.split(',').filter((other) => other !== id)
    openMenu(node, `Replica ${id}`, [
      { label: `Write through ${id}`, act: () => this.#hands.onVia(id) },
      { label: 'Cut off from all others', tone: 'bad', act: () => act('partition', { sides: [[id], others] }) },
      { label: 'Freeze (SIGSTOP)', tone: 'bad', act: () => act('replica', { id, action: 'pause' }) },
      { label: 'Kill (SIGKILL)', tone: 'bad', act: () => act('replica', { id, action: 'kill' }) },
      { label: 'Start or thaw', tone: 'good', act: () => act('replica', { id, action: 'revive' }) },
    ])
  }
}

/**
 * With those that are only known from what others report.
 * @param {readonly ReplicaView[]} replicas
 * @returns {ReplicaLook[]}
 */
export function allOf(replicas) {
  const known = new Set(replicas.map(({ id }) => id))
  const others = replicas.flatMap(({ report }) => Object.keys(report?.replicas ?? {})).filter((id) => !known.has(id))
  /** @type {ReplicaLook[]} */
  const unasked = [...new Set(others)].map((id) => ({ id, state: 'unasked', report: undefined }))
  return [...replicas, ...unasked].toSorted((a, b) => a.id.localeCompare(b.id))
}

/**
 * On a circle, the first on top.
 * @param {number} index
 * @param {number} count
 * @returns {Point}
 */
function pointOf(index, count) {
  if (count === 1) return { x: WIDTH / 2, y: HEIGHT / 2 }
  const angle = -Math.PI / 2 + (2 * Math.PI * index) / count
  const lift = count === 3 ? 34 : 4
  return { x: WIDTH / 2 + 200 * Math.cos(angle), y: HEIGHT / 2 + lift + (count === 3 ? 168 : 148) * Math.sin(angle) }
}

/**
 * @param {string[]} ids
 * @returns {[string, string][]}
 */
function pairsOf(ids) {
  return ids.flatMap((a, index) => ids.slice(index + 1).map((b) => /** @type {[string, string]} */ ([a, b])))
}

/**
 * Two arrows, one for each way, and a broad line to be hit.
 * @param {Point} from
 * @param {Point} to
 */
function linkOf(from, to) {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const ux = (to.x - from.x) / length
  const uy = (to.y - from.y) / length
  const start = { x: from.x + ux * (RADIUS + 9), y: from.y + uy * (RADIUS + 9) }
  const end = { x: to.x - ux * (RADIUS + 9), y: to.y - uy * (RADIUS + 9) }
  const side = { x: -uy * OFFSET, y: ux * OFFSET }
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }
  return svg(
    'g',
    { class: 'link' },
    svg('path', { class: 'hit', d: `M${start.x},${start.y}L${end.x},${end.y}` }),
    svg('path', { class: 'way', d: arrow(start, end, side) }),
    svg('path', { class: 'way', d: arrow(end, start, { x: -side.x, y: -side.y }) }),
    svg('rect', { class: 'label-back', x: middle.x - 62, y: middle.y - 13, width: 124, height: 26, rx: 13 }),
    svg('text', { class: 'label', x: middle.x, y: middle.y + 4.5 }),
  )
}

/**
 * A line with half a head, beside the one that comes back.
 * @param {Point} from
 * @param {Point} to
 * @param {Point} side
 */
function arrow(from, to, side) {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const ux = (to.x - from.x) / length
  const uy = (to.y - from.y) / length
  const tip = { x: to.x + side.x, y: to.y + side.y }
  const barb = { x: tip.x - ux * 11 + side.x * 1.4, y: tip.y - uy * 11 + side.y * 1.4 }
  return `M${from.x + side.x},${from.y + side.y}L${tip.x},${tip.y}L${barb.x},${barb.y}`
}

/**
 * @param {string} id
 * @param {Point} point
 */
function nodeOf(id, { x, y }) {
  return svg(
    'g',
    { class: 'node' },
    svg('circle', { class: 'halo', cx: x, cy: y, r: RADIUS + 7 }),
    svg('circle', { class: 'body', cx: x, cy: y, r: RADIUS }),
    svg('text', { class: 'node-id', x, y: y + 3 }, id),
    svg('text', { class: 'node-state', x, y: y + 23 }),
    // Links come to the one on top from below.
    svg('g', {
      class: 'dots',
      ...(y < HEIGHT / 3 ? { 'data-x': x + RADIUS + 84, 'data-y': y } : { 'data-x': x, 'data-y': y + RADIUS + 22 }),
    }),
  )
}

/**
 * What it holds, as dots: AP on the left, CP on the right.
 * @param {Element | null} group
 * @param {ReplicaView['copies']} copies
 */
function dots(group, copies) {
  if (group === null) return
  const ap = (copies?.ap?.values ?? []).map(String)
  const cp = (copies?.cp?.values ?? []).map(String)
  const model = JSON.stringify([ap, cp])
  if (group.getAttribute('data-model') === model) return
  const x = Number(group.getAttribute('data-x'))
  const y = Number(group.getAttribute('data-y'))
  group.setAttribute('data-model', model)
  group.replaceChildren(...half('AP', ap, { x: x - 6, y, step: -15 }), ...half('CP', cp, { x: x + 6, y, step: 15 }))
}

/**
 * @param {string} name
 * @param {string[]} values
 * @param {{ x: number, y: number, step: number }} at
 */
function half(name, values, { x, y, step }) {
  if (values.length === 0) return []
  const label = svg('text', { class: `dot-label ${name.toLowerCase()}`, x: x + step, y: y + 4 }, name)
  const marks = values.slice(0, 4).map((value, index) => {
    const mark = svg('circle', { class: 'held', cx: x + step * (index + 2.1), cy: y, r: 6 }, svg('title', {}, value))
    mark.style.fill = colourOf(value.split(' + ')[0] ?? value)
    return mark
  })
  return [label, ...marks]
}

/**
 * How one way is: as it was set where the cluster may be played with, else as the one who sends sees it.
 * @param {readonly LinkView[] | undefined} links
 * @param {readonly ReplicaLook[]} replicas
 * @param {string} from
 * @param {string} to
 * @returns {{ look: 'open' | 'cut' | 'slow' | 'gone', delayMs: number, heldBytes: number }}
 */
function wayOf(links, replicas, from, to) {
  const isGone = replicas.some(
    ({ id, state }) => (id === from || id === to) && state !== 'running' && state !== 'unasked',
  )
  const link = links?.find((each) => each.from === from && each.to === to)
  if (link !== undefined) {
    const look = link.isCut ? 'cut' : link.delayMs > 0 ? 'slow' : isGone ? 'gone' : 'open'
    return { look, delayMs: link.delayMs, heldBytes: link.heldBytes }
  }
  const state = replicas.find(({ id }) => id === from)?.report?.replicas[to]?.state
  if (state === undefined) return { look: 'gone', delayMs: 0, heldBytes: 0 }
  const look =
    state === 'unreachable' || state === 'one-way' ? 'cut' : state === 'late' ? 'slow' : isGone ? 'gone' : 'open'
  return { look, delayMs: 0, heldBytes: 0 }
}

/** @typedef {ReturnType<typeof wayOf>} WayLook */

/**
 * @param {WayLook} there
 * @param {WayLook} back
 */
function noteOf(there, back) {
  const held = there.heldBytes + back.heldBytes
  if (there.look === 'cut' || back.look === 'cut') {
    const words = there.look === back.look ? 'cut' : 'one way'
    return held > 0 ? `${words} · ${bytesText(held)} held` : words
  }
  const delayMs = Math.max(there.delayMs, back.delayMs)
  return delayMs > 0 ? `+${msText(delayMs)} each way` : ''
}

/**
 * @param {string} a
 * @param {string} b
 * @param {WayLook} there
 * @param {WayLook} back
 */
function wordsOf(a, b, there, back) {
  if (there.look === back.look) return there.look === 'open' ? 'open both ways' : `${there.look} both ways`
  return `${a} to ${b} ${there.look}, ${b} to ${a} ${back.look}`
}

/**
 * @param {Element} element
 * @param {() => void} press
 */
function pressable(element, press) {
  set(element, { tabindex: 0, role: 'button', 'aria-haspopup': 'menu' })
  element.addEventListener('click', press)
  element.addEventListener('keydown', (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event)
    if (key !== 'Enter' && key !== ' ') return
    event.preventDefault()
    press()
  })
}

/**
 * @param {Element} parent
 * @param {string} selector
 * @param {string} words
 */
function text(parent, selector, words) {
  const element = parent.querySelector(selector)
  if (element !== null && element.textContent !== words) element.textContent = words
}
