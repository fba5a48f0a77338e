/** Round trips that a running cluster measures by itself, and what is predicted from them. */
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { latenciesFrom, predict } from '../../src/predict/index.ts'
import { startLocalCluster } from '../../src/runtime/local-cluster.ts'

it('one replica far away, W = 1: its slow answers are measured though no call waits for them', async () => {
  await using cluster = await startLocalCluster({ exchangeMs: 0 })
  const store = cluster.node('a')
  const keyspace = store.keyspace<number>('k', { mode: 'ap', conflicts: 'lww', r: 1, w: 1 })
  cluster.slow({ from: 'c', to: 'a', delayMs: 60 })
  const samples = store.latencies()
  const isEnough = (): boolean => samples.count(2).writes >= 20 && samples.count(0).writes >= 20
  for (let i = 0; !isEnough() && i < 5_000; i++) {
    await keyspace.put(`k${i}`, i)
    await keyspace.get(`k${i}`)
    // Calls of a node that is its own nearest replica may end without any other's turn.
    await setImmediate()
  }
  expect(isEnough()).toBe(true)
  // Reads go elsewhere once it is known to be far.
  for (let i = 0; samples.count(2).reads === 0 && i < 5_000; i++) await keyspace.get(`k${i % 10}`, { r: 3 })
  const far = samples.legs(2)
  expect(Math.min(...(far?.w ?? []).map((ms, at) => ms + (far?.a[at] as number)))).toBeGreaterThanOrEqual(59)
  const prediction = predict({
    n: 3,
    r: 1,
    w: 2,
    latencies: latenciesFrom(samples, [0, 1, 2]),
    trials: 10_000,
    reads: 'quorum',
  })
  expect(prediction.writeMs(0.5)).toBeLessThan(59)
  expect(
    predict({ n: 3, r: 1, w: 3, latencies: latenciesFrom(samples, [0, 1, 2]), trials: 10_000 }).writeMs(0.5),
  ).toBeGreaterThanOrEqual(59)
})
