/** How long things take, as lines over time, and when they are refused. */
import { el, msText, set, svg } from './dom.js'

/**
 * By name: how long it took, or that it was refused.
 * @typedef {Record<string, { ok: boolean, ms: number }>} Sample
 */

const WIDTH = 560
const HEIGHT = 190
const LEFT = 52
const BOTTOM = 22
const SAMPLES_MAX = 75

export class Chart {
  /** @type {Sample[]} */
  #samples = []
  /** @type {Element} */
  #parent

  #empty

  /**
   * @param {Element} parent
   * @param {string} empty what is said while there is nothing to draw
   */
  constructor(parent, empty) {
    this.#parent = parent
    this.#empty = empty
    this.draw()
  }

  /** @param {Sample} sample */
  add(sample) {
    this.#samples.push(sample)
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift()
    this.draw()
  }

  draw() {
    if (this.#samples.length === 0) {
      this.#parent.replaceChildren(el('p', { class: 'empty' }, this.#empty))
      return
    }
    const names = Object.keys(this.#samples.at(-1) ?? {})
    const times = this.#samples.flatMap((sample) => Object.values(sample)).filter(({ ok }) => ok)
    const topMs = niceTop(Math.max(...times.map(({ ms }) => ms), 5))
    const y = (/** @type {number} */ ms) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 26) * Math.min(ms, topMs)) / topMs
    const x = (/** @type {number} */ index) =>
      LEFT + ((WIDTH - LEFT - 8) * (index + SAMPLES_MAX - this.#samples.length)) / (SAMPLES_MAX - 1)
    const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': this.#words() })
    for (const share of [0, 0.5, 1]) {
      const at = y(topMs * share)
      picture.append(
        svg('line', { class: 'grid', x1: LEFT, x2: WIDTH - 8, y1: at, y2: at }),
        svg('text', { class: 'axis', x: LEFT - 7, y: at + 4 }, msText(topMs * share)),
      )
    }
    for (const [row, name] of names.entries()) this.#drawLine(picture, { name, row }, { x, y })
    this.#parent.replaceChildren(picture, legend(this.#samples, names))
  }

  /**
   * @param {SVGElement} picture
   * @param {{ name: string, row: number }} series
   * @param {{ x: (index: number) => number, y: (ms: number) => number }} scale
   */
  #drawLine(picture, { name, row }, { x, y }) {
    let path = ''
    let isPenDown = false
    for (const [index, sample] of this.#samples.entries()) {
      const { ok, ms } = sample[name] ?? { ok: false, ms: NaN }
      if (ok) path += `${isPenDown ? 'L' : 'M'}${x(index).toFixed(1)},${y(ms).toFixed(1)}`
      isPenDown = ok
      if (ok || Number.isNaN(ms)) continue
      const mark = { x: x(index) - 2.5, y: 4 + 9 * row, width: 5, height: 7, rx: 1 }
      picture.append(svg('rect', { class: 'refused', ...mark }))
    }
    const line = svg('path', { class: `line ${classOf(name, row)}` })
    set(line, { d: path || undefined })
    picture.append(line)
  }

  #words() {
    const last = Object.entries(this.#samples.at(-1) ?? {})
    return `latency, last: ${last.map(([name, { ok, ms }]) => `${name} ${ok ? msText(ms) : 'refused'}`).join(', ')}`
  }
}

/**
 * @param {string} name
 * @param {number} row
 */
function classOf(name, row) {
  return name === 'AP' || name === 'CP' ? name.toLowerCase() : `series-${row % 6}`
}

/**
 * @param {Sample[]} samples
 * @param {string[]} names
 */
function legend(samples, names) {
  const isRefused = samples.some((sample) => Object.values(sample).some(({ ok }) => !ok))
  return el(
    'p',
    { class: 'legend' },
    ...names.map((name, row) => {
      const good = samples.filter((sample) => sample[name]?.ok).length
      const words = `${name}: ${good} of ${samples.length} answered`
      return el('span', { class: classOf(name, row) }, el('span', { class: 'swatch', 'aria-hidden': 'true' }), words)
    }),
    isRefused &&
      el('span', { class: 'bad' }, el('span', { class: 'swatch tick', 'aria-hidden': 'true' }), 'not answered'),
  )
}

/**
 * The next number above that reads well.
 * @param {number} ms
 */
function niceTop(ms) {
  const unit = 10 ** Math.floor(Math.log10(ms))
  return ([1, 2, 5, 10].find((step) => step * unit >= ms) ?? 10) * unit
}
