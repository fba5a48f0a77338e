/** Memory: flat over many calls, whoever ends them. */
import { setMaxListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { freshKeyspace, listOf, sharedCluster } from './clusters.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const cluster = sharedCluster({ timeoutMs: 60_000 })
const KEYS = 50

test('20,000 calls of every kind after a warm-up: leave nothing behind', async () => {
  const { store } = cluster()
  const siblings = freshKeyspace<string>(store)
  const latest = freshKeyspace<string>(cluster().node('a'), { conflicts: 'lww' })
  const { signal } = new AbortController()
  setMaxListeners(KEYS, signal)

  async function calls(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const keys = Array.from({ length: KEYS }, (_, i) => `k${i}`)
      await Promise.all(keys.map((key) => siblings.update(key, () => `v${round}`, { signal })))
      await Promise.all(keys.map((key) => latest.put(key, `v${round}`, { signal })))
      await Promise.all(keys.map((key) => latest.get(key, { level: 'one' })))
      await Promise.allSettled(keys.map((key) => siblings.get(key, { level: 99 })))
      await Promise.allSettled(keys.map((key) => siblings.get(key, { signal: AbortSignal.abort() })))
      if (round % 10 === 0) await listOf(siblings.scan())
    }
  }

  async function heapUsed(): Promise<number> {
    // Two turns, so that what waits for the end of one is gone.
    for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
    collect()
    return process.memoryUsage().heapUsed
  }

  await calls(40)
  const before = await heapUsed()
  await calls(70)
  const after = await heapUsed()
  // Twenty bytes a call would be 0.4 MB; a promise or a record left behind would be far more.
  expect((after - before) / 2 ** 20).toBeLessThan(1.5)
  expect(store.status().inFlight).toBe(0)
  expect(cluster().node('a').status()).toMatchObject({ inFlight: 0, held: 0 })
})
