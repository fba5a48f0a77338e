/**
 * The page and its parts: files beside this one, read once and given out by name. Nothing else can be asked for.
 */
import { readFileSync } from 'node:fs'
import type { Answer } from './answer.ts'

const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'actions.js': 'text/javascript; charset=utf-8',
  'chart.js': 'text/javascript; charset=utf-8',
  'dom.js': 'text/javascript; charset=utf-8',
  'events.js': 'text/javascript; charset=utf-8',
  'health.js': 'text/javascript; charset=utf-8',
  'leader.js': 'text/javascript; charset=utf-8',
  'main.js': 'text/javascript; charset=utf-8',
  'menu.js': 'text/javascript; charset=utf-8',
  'picture.js': 'text/javascript; charset=utf-8',
  'sides.js': 'text/javascript; charset=utf-8',
}

/** Only what this server gives out runs, and it talks to this server alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const read = new Map<string, string>()

/** Nothing for a name that there is not. */
export function pageFile(name: string): Answer | undefined {
  const contentType = Object.hasOwn(FILES, name) ? FILES[name] : undefined
  if (contentType === undefined) return undefined
  let body = read.get(name)
  if (body === undefined) {
    body = readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8')
    read.set(name, body)
  }
  return { status: 200, body, contentType, headers: { 'content-security-policy': PAGE_POLICY } }
}

/** Whether somebody asks with a browser, and not from a shell. */
export function wantsPage(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true
}
