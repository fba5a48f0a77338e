/** The menu that opens on a link or a replica: one at a time, with the keyboard as with the mouse. */
import { byId, el } from './dom.js'

/** @typedef {{ label: string, act: () => void, tone?: 'bad' | 'good' | undefined }} Choice */

/** @type {Element | null} */
let opener = null

/**
 * @param {Element} at what was clicked
 * @param {string} title
 * @param {Choice[]} choices
 */
export function openMenu(at, title, choices) {
  const menu = byId('menu')
  opener = at
  menu.replaceChildren(
    el('p', { class: 'menu-title' }, title),
    ...choices.map(({ label, act, tone }) => {
      const run = () => {
        closeMenu()
        act()
      }
      return el('button', { type: 'button', role: 'menuitem', class: tone ?? '', onclick: run }, label)
    }),
  )
  menu.setAttribute('aria-label', title)
  menu.hidden = false
  place(menu, at.getBoundingClientRect())
  buttons(menu)[0]?.focus({ preventScroll: true })
}

export function closeMenu() {
  const menu = byId('menu')
  if (menu.hidden) return
  menu.hidden = true
  if (opener instanceof SVGElement || opener instanceof HTMLElement) opener.focus({ preventScroll: true })
  opener = null
}

export function listenForMenu() {
  const menu = byId('menu')
  document.addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Node && !menu.contains(target)) closeMenu()
  })
  window.addEventListener('resize', closeMenu)
  menu.addEventListener('keydown', (event) => {
    const all = buttons(menu)
    const at = all.findIndex((button) => button === document.activeElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (event.key === 'Escape' || event.key === 'Tab') closeMenu()
    if (to !== undefined) all.at(to % all.length)?.focus()
    if (to !== undefined || event.key === 'Escape') event.preventDefault()
  })
}

/** @param {HTMLElement} menu */
function buttons(menu) {
  return [...menu.querySelectorAll('button')]
}

/**
 * Beside what was clicked, and inside of the window; on small screens the style sheet puts it at the bottom.
 * @param {HTMLElement} menu
 * @param {DOMRect} rect
 */
function place(menu, rect) {
  const { innerWidth, innerHeight } = window
  const left = Math.min(rect.left + rect.width / 2 + 14, innerWidth - menu.offsetWidth - 8)
  const top = Math.min(rect.top + rect.height / 2 - 20, innerHeight - menu.offsetHeight - 8)
  menu.style.left = `${Math.max(8, left)}px`
  menu.style.top = `${Math.max(8, top)}px`
}
