/**
 * The explorer over a keyspace with a leader: what is shown is the keyspace's own leader, and one that was cut off is
 * followed and fenced.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterState } from '../../src/dashboard/cluster-view.ts'
import { freePlace, Started, until, type Place } from '../cli/harness.ts'
import { ask, type Said } from '../dashboard/harness.ts'

let place: Place
let started: Started

beforeAll(async () => {
  place = await freePlace()
  started = new Started([...place.args, '--leader'])
  await started.event('started')
}, 120_000)

afterAll(async () => {
  await started?.stop('SIGTERM')
  place?.remove()
}, 60_000)

const at = (path: string): string => `http://127.0.0.1:${place.port}${path}`
const pull = (name: string, body: unknown): Promise<Said> =>
  ask(at(`/admin/${name}`), { method: 'POST', body: JSON.stringify(body) })

/** Who leads the keyspace by his own clock now, if anybody does. */
async function leader(): Promise<{ readonly id: string; readonly generation: number } | undefined> {
  const { replicas, play } = (await ask(at('/cluster'))).json as unknown as ClusterState
  const groups = replicas.flatMap(({ report }) => report?.groups ?? [])
  const here = groups.filter(({ group, isHere }) => isHere && group === play?.group)
  return here.flatMap(({ leader: found }) => found ?? []).toSorted((a, b) => b.generation - a.generation)[0]
}

test('explorer: the leader of a keyspace is cut off, followed and fenced', { timeout: 180_000 }, async () => {
  const call = { kind: 'write', key: 'colour', level: 'one' }
  const write = async (via: string, value: string): Promise<boolean | undefined> =>
    ((await pull('call', { ...call, via, value })).json as { readonly cp?: { readonly ok: boolean } } | undefined)?.cp
      ?.ok
  await until(async () => (await write('a', 'blue')) === true)
  await until(async () => (await leader()) !== undefined)
  const old = (await leader()) as { readonly id: string; readonly generation: number }
  const others = ['a', 'b', 'c'].filter((id) => id !== old.id)
  await pull('partition', { sides: [[old.id], others] })
  await until(async () => ((await leader())?.generation ?? 0) > old.generation)
  expect(others).toContain((await leader())?.id)
  await until(async () => (await write(others[0] ?? '', 'green')) === true)
  expect(await write(old.id, 'orange')).toBe(false)
  expect((await pull('visit', { replica: old.id })).json).toMatchObject({ code: 'QUORATE_FENCED' })
  await pull('heal', {})
  await until(async () => (await write(old.id, 'gold')) === true)
})
