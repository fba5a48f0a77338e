/**
 * The calls whose speed is promised: what each one does, on 10,000 keys with values of 128 bytes.
 */
import type { ApKeyspace, Client, Entry, Node, Session } from '../src/index.ts'
import { countdown, type Operation } from './load.ts'

const KEYS = 10_000
export const VALUE = 'v'.repeat(128)
export const IN_FLIGHT = 512

const NAMES = Array.from({ length: KEYS }, (_, index) => `key-${String(index).padStart(8, '0')}`)

/** A prime far from the number in flight, so that neighbouring calls go to different partitions. */
const STRIDE = 7919

export function keyAt(index: number): string {
  return NAMES[index % KEYS] as string
}

/** Any key, a different one for each call of a turn. */
export function keyFor(worker: number, turn: number): string {
  return keyAt((worker + turn * IN_FLIGHT) * STRIDE)
}

export function lwwOf(store: Client | Node): ApKeyspace<string> {
  return store.keyspace<string>('lww', { mode: 'ap', conflicts: 'lww', r: 2, w: 2 })
}

export function siblingsOf(store: Client | Node): ApKeyspace<string> {
  return store.keyspace<string>('siblings', { mode: 'ap', conflicts: 'siblings', r: 2, w: 2 })
}

/** Gives every key its value. */
export async function fill(keyspace: ApKeyspace<string>): Promise<void> {
  await countdown((index) => keyspace.put(keyAt(index), VALUE), { count: KEYS, inFlight: IN_FLIGHT })
}

export function putOf(keyspace: ApKeyspace<string>): Operation {
  return (worker, turn) => keyspace.put(keyFor(worker, turn), VALUE)
}

/** Looks at the value as well: decoding it is a part of reading. */
export function getOf(keyspace: ApKeyspace<string>): Operation {
  return (worker, turn) => keyspace.get(keyFor(worker, turn)).then(look)
}

export function localGetOf(keyspace: ApKeyspace<string>): Operation {
  const level = { level: 'one' } as const
  return (worker, turn) => keyspace.get(keyFor(worker, turn), level).then(look)
}

/**
 * Overwrites: each worker has keys of its own and a session that threads their contexts, as an application does that
 * reads before it writes. Blind writes would pile up siblings instead.
 */
export function siblingPutOf(keyspace: ApKeyspace<string>, newSession: () => Session): Operation {
  const handles = Array.from({ length: IN_FLIGHT }, () => keyspace.with(newSession()))
  const each = Math.floor(KEYS / IN_FLIGHT)
  return (worker, turn) => (handles[worker] as ApKeyspace<string>).put(keyAt(worker * each + (turn % each)), VALUE)
}

function look(entry: Entry<string>): void {
  if (entry.value === undefined) throw new Error('a key that was written has no value')
}
