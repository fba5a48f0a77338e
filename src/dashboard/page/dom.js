/** Making elements, and putting them in place of others without losing where the keyboard is. */

const SVG = 'http://www.w3.org/2000/svg'

/**
 * @typedef {Record<string, string | number | boolean | undefined | ((event: Event) => void)>} Attributes
 * @typedef {Node | string | number | undefined | false} Child
 */

/**
 * An HTML element. Attributes that begin with `on` are listeners; those that are `undefined` or false are left out.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  dress(element, attributes, children)
  return element
}

/**
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag)
  dress(element, attributes, children)
  return element
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function dress(element, attributes, children) {
  set(element, attributes)
  for (const child of children) {
    if (child === undefined || child === false) continue
    element.append(typeof child === 'number' ? String(child) : child)
  }
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value === undefined || value === false) element.removeAttribute(name)
    else if (element.getAttribute(name) !== String(value))
      element.setAttribute(name, value === true ? '' : String(value))
  }
}

/**
 * What the page promised to have.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`the page has no ${id}`)
  return element
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap()

/**
 * Puts children in place of others, if what they show is new. The keyboard stays on the one with the same `data-key`, and
 * what was unfolded stays so.
 * @param {Element} parent
 * @param {unknown} model what they are made of
 * @param {() => Child[]} make
 */
export function show(parent, model, make) {
  const text = JSON.stringify(model) ?? ''
  if (shown.get(parent) === text) return
  shown.set(parent, text)
  const focused = parent.contains(document.activeElement) ? document.activeElement?.getAttribute('data-key') : undefined
  const open = [...parent.querySelectorAll('details[open][data-key]')].map((details) =>
    details.getAttribute('data-key'),
  )
  parent.replaceChildren()
  dress(parent, {}, make())
  for (const key of open) parent.querySelector(`details[data-key="${key}"]`)?.setAttribute('open', '')
  const again = focused && parent.querySelector(`[data-key="${focused}"]`)
  if (again instanceof HTMLElement) again.focus()
}

/**
 * A colour of its own for every text: the one that it names, if it names one.
 * @param {string} text
 */
export function colourOf(text) {
  if (/^[a-z]+$/.test(text) && CSS.supports('color', text)) return text
  let hash = 7
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 360
  return `hsl(${hash} 65% 52%)`
}

/**
 * A stored value as it is shown.
 * @param {unknown} value
 */
export function chip(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const dot = el('span', { class: 'dot', 'aria-hidden': 'true' })
  dot.style.background = colourOf(text.split(' + ')[0] ?? text)
  return el('span', { class: 'chip', title: text }, dot, text)
}

/** @param {number} ms */
export function msText(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

/** @param {number} bytes */
export function bytesText(bytes) {
  return bytes < 1_000
    ? `${bytes} B`
    : bytes < 1e6
      ? `${(bytes / 1_000).toFixed(1)} kB`
      : `${(bytes / 1e6).toFixed(1)} MB`
}
