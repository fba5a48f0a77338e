/**
 * Replicas and addresses as they are written on the command line: `b=ws://host:port`, `b@eu=ws://host:port`,
 * `host:port`.
 */
import type { Peer } from '../runtime/node.ts'
import { UsageError } from './failure.ts'

/** Replicas by id. Throws `UsageError`, naming `what` they were given as. */
export function parseReplicas(texts: readonly string[], what: string): Record<string, Peer> {
  const replicas: Record<string, Peer> = {}
  for (const text of texts) {
    const match = /^([^@=]+)(?:@([^=]+))?=(wss?:\/\/.+)$/.exec(text)
    if (match === null) {
      throw new UsageError(`${what} ${JSON.stringify(text)} must look like b=ws://host:port, or b@zone=ws://host:port.`)
    }
    const [, id = '', zone, url = ''] = match
    if (Object.hasOwn(replicas, id)) throw new UsageError(`${what} names replica ${id} twice.`)
    replicas[id] = zone === undefined ? url : { url, zone }
  }
  return replicas
}

/** `host:port`, `[::1]:port`, or a port of this machine alone. Throws `UsageError`. */
export function parseListen(text: string, option: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[3] ?? NaN)
  if (!(port <= 65_535)) throw new UsageError(`--${option} ${JSON.stringify(text)} must look like 127.0.0.1:7101.`)
  return { host: match?.[1] ?? match?.[2] ?? '127.0.0.1', port }
}

/** HTTP addresses by id: `b=http://host:port`. Throws `UsageError`. */
export function parseWatched(texts: readonly string[]): Record<string, string> {
  const watched: Record<string, string> = {}
  for (const text of texts) {
    const match = /^([^@=]+)=(https?:\/\/.+)$/.exec(text)
    const [, id = '', url = ''] = match ?? []
    if (match === null || !URL.canParse(url)) {
      throw new UsageError(`--watch ${JSON.stringify(text)} must look like b=http://host:port.`)
    }
    if (Object.hasOwn(watched, id)) throw new UsageError(`--watch names replica ${id} twice.`)
    watched[id] = url
  }
  return watched
}
