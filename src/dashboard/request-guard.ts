/**
 * Who may ask: programs that mean this server, and pages that this server gave out; no other page in a browser.
 *
 * A node on loopback is within reach of every web page that a user of the machine has open. Two checks turn those pages
 * away. The `Host` must be an address, `localhost`, or a name that was told, so that a page whose own name was made to
 * point here (DNS rebinding) is not taken for one of ours. And a browser names the page that asks in `Origin` or
 * `Sec-Fetch-Site`: that page must be ours too. Links may lead here from anywhere, since nothing that a GET does changes
 * the store.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { QuorateError } from '../core/base/errors.ts'

/** Throws `QUORATE_UNAUTHORIZED` for requests that a foreign page may have sent. */
export function checkRequest(request: IncomingMessage, hostNames: readonly string[]): void {
  const { host, origin } = request.headers
  const name = host === undefined ? undefined : nameOf(host)
  if (host === undefined || name === undefined || !isOurs(name, hostNames)) {
    throw refused(
      `the Host header says ${JSON.stringify(host ?? '')}: use the address itself, localhost, or allow the name`,
    )
  }
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw refused(`a page of ${origin} may not ask this server`)
  }
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isLink(request)) {
    throw refused('a page of another site may not ask this server')
  }
}

function refused(message: string): QuorateError {
  return new QuorateError('QUORATE_UNAUTHORIZED', message)
}

/** The host without its port and brackets, in lower case. */
function nameOf(host: string): string | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

function isOurs(name: string, hostNames: readonly string[]): boolean {
  return isIP(name) !== 0 || name === 'localhost' || hostNames.some((own) => own.toLowerCase() === name)
}

/** Somebody follows a link, or types the address: the page that led here cannot read the answer. */
function isLink({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate'
}
