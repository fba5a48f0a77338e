/** CP keyspaces on real replicas: what registers promise while links are cut, calls fail, and many want the same key. */
import { describe, expect, test } from 'vitest'
import { RegisterError, type CpKeyspace, type LocalCluster, type Node } from '../../src/index.ts'
import { errorOf, errorsOf, GONE, listOf, ownClusters, REACHABLE, seen, sharedCluster } from './clusters.ts'

const shared = sharedCluster({ replicas: 3 })
const start = ownClusters({ replicas: 3, heartbeatMs: 100 })

let keyspaces = 0

function registers<V>(store: Node, name = `cp-${++keyspaces}`): CpKeyspace<V> {
  return store.keyspace<V>(name, { mode: 'cp', n: 3 })
}

/** The same keyspace through each node. */
function everywhere<V>(cluster: LocalCluster): Record<string, CpKeyspace<V>> {
  const name = `cp-${++keyspaces}`
  return Object.fromEntries(cluster.ids.map((id) => [id, registers<V>(cluster.node(id), name)]))
}

/** What `call` gives once it no longer fails for want of replicas or turns. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const { code } = error as RegisterError
      if (code !== 'QUORATE_UNAVAILABLE' && code !== 'QUORATE_TIMEOUT' && code !== 'QUORATE_PREEMPTED') throw error
      // Links are heard of in turns of their own.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

describe('registers', () => {
  test('a key: is absent, is written, is changed by revision, is deleted, and goes on from there', async () => {
    const accounts = registers<{ balance: number }>(shared().node('a'))
    expect(await accounts.get('bob')).toMatchObject({ found: false, value: undefined, revision: 0 })
    const { revision } = await accounts.put('bob', { balance: 10 }, { ifRevision: 0 })
    expect(revision).toBe(1)
    expect(await accounts.get('bob')).toMatchObject({ found: true, value: { balance: 10 }, revision: 1 })
    expect(await accounts.put('bob', { balance: 20 }, { ifRevision: 1 })).toMatchObject({ revision: 2 })
    expect(await accounts.delete('bob', { ifRevision: 2 })).toMatchObject({ revision: 0 })
    expect(await accounts.get('bob')).toMatchObject({ found: false, revision: 0 })
    expect(await accounts.put('bob', { balance: 5 }, { ifRevision: 0 })).toMatchObject({ revision: 4 })
  })

  test('a compare that fails: says what is there, and changes nothing', async () => {
    const { a, b } = everywhere<string>(shared())
    await a?.put('k', 'first')
    const error = await errorOf(b?.put('k', 'second', { ifRevision: 0 }) as Promise<unknown>)
    expect(error).toBeInstanceOf(RegisterError)
    expect(error).toMatchObject({
      code: 'QUORATE_CONDITION_FAILED',
      outcome: 'none',
      current: { value: 'first', revision: 1 },
    })
    expect(await (error as RegisterError).settle()).toEqual({ outcome: 'cannot-land', revision: undefined })
    expect(await b?.get('k')).toMatchObject({ value: 'first', revision: 1 })
  })

  test('a read through any node: sees every change that was acknowledged before it', async () => {
    const handles = everywhere<number>(shared())
    const all = Object.values(handles)
    for (let i = 1; i <= 30; i++) {
      await all[i % 3]?.put('k', i)
      for (const handle of all) expect(await handle.get('k')).toMatchObject({ value: i, revision: i })
    }
  })

  test('a receipt: names the replicas, and says that it is strict', async () => {
    const keyspace = registers<string>(shared().node('a'))
    const { receipt } = await keyspace.put('k', 'v')
    expect(receipt).toMatchObject({ level: 'linearizable', strict: true, settled: true, sloppy: false })
    expect(receipt.reached).toBeGreaterThanOrEqual(2)
    expect(Object.keys(receipt.replicas)).toHaveLength(3)
    expect((await keyspace.get('k', { level: 'stale' })).receipt).toMatchObject({ level: 'stale', strict: false })
  })

  test('sixteen clients that increment one key: every increment is applied exactly once, and nobody starves', async () => {
    const handles = Object.values(everywhere<number>(shared()))
    const each = 25
    const turns = Array.from({ length: 16 }, () => 0)
    const work = async (client: number): Promise<void> => {
      const handle = handles[client % 3] as CpKeyspace<number>
      for (let i = 0; i < each; i++) {
        await handle.update('n', (n = 0) => n + 1, { timeoutMs: 60_000 })
        turns[client] = (turns[client] ?? 0) + 1
      }
    }
    await Promise.all(turns.map((_, client) => work(client)))
    expect(turns).toEqual(turns.map(() => each))
    expect(await handles[0]?.get('n')).toMatchObject({ value: 16 * each, revision: 16 * each })
  })

  test('an update: gives what it made, and what its function throws', async () => {
    const keyspace = registers<number>(shared().node('b'))
    expect(await keyspace.update('n', (n = 40) => n + 2)).toMatchObject({ value: 42, revision: 1 })
    const wrong = new Error('not today')
    const thrown = keyspace.update('n', () => {
      throw wrong
    })
    expect(await errorOf(thrown)).toBe(wrong)
    expect(await keyspace.get('n')).toMatchObject({ value: 42, revision: 1 })
  })

  test('an update with a promise: is written if nobody was faster, and else made again', async () => {
    const { a, b } = everywhere<string>(shared())
    await a?.put('k', 'x')
    let calls = 0
    const updated = await a?.update('k', async (value) => {
      calls++
      if (calls === 1) await b?.put('k', 'y')
      return `${value}+`
    })
    expect(updated).toMatchObject({ value: 'y+', revision: 3 })
    expect(calls).toBe(2)
  })

  test('a function of an update that calls the store: is refused there, and the update goes on', async () => {
    const keyspace = registers<string>(shared().node('a'))
    let inner: Promise<unknown> | undefined
    await keyspace.update('k', () => {
      inner = errorOf(keyspace.put('other', 'x'))
      return 'done'
    })
    expect(await inner).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    expect(await keyspace.get('k')).toMatchObject({ value: 'done' })
  })

  test('an operation sent twice through different nodes: is applied once, and both get its revision', async () => {
    const { a, b, c } = everywhere<string>(shared())
    const operation = (await a?.operation('k')) as string
    expect(await a?.put('k', 'once', { operation })).toMatchObject({ revision: 1 })
    await c?.put('k', 'later')
    expect(await b?.put('k', 'once', { operation })).toMatchObject({ revision: 1 })
    expect(await b?.get('k')).toMatchObject({ value: 'later', revision: 2 })
  })

  test('a scan: gives the keys that exist, in order, each as a get would', async () => {
    const keyspace = registers<number>(shared().node('a'))
    for (const [i, key] of ['b1', 'a2', 'a1', 'b2'].entries()) await keyspace.put(key, i)
    await keyspace.delete('a1')
    const entries = await listOf(keyspace.scan())
    expect(entries.map(({ key, entry }) => [key, entry.value])).toEqual([
      ['a2', 1],
      ['b1', 0],
      ['b2', 3],
    ])
    expect((await listOf(keyspace.scan({ prefix: 'b', limit: 1 }))).map(({ key }) => key)).toEqual(['b1'])
  })
})

describe('registers: bad input', () => {
  test.for([
    [{ ifRevision: -1 }, /ifRevision is -1/],
    [{ ifRevision: '1' }, /ifRevision is "1"/],
    [{ ifRevision: 0.5 }, /ifRevision is 0\.5/],
    [{ operation: 'nonsense' }, /is not an operation/],
    [{ operation: 'a-b-c' }, /names a replica to mint it/],
    [{ level: 'one' }, /"level" is not an option/],
    [{ timeoutMs: 0 }, /timeoutMs is 0/],
  ] as const)('put with %j: is refused', async ([options, message]) => {
    const error = await errorOf(registers(shared().node('a')).put('k', 1, options as never))
    expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    expect(error.message).toMatch(message)
  })

  test('keys, values, levels and functions that are none: are refused', async () => {
    const keyspace = registers(shared().node('a'))
    const errors = await errorsOf([
      keyspace.get(''),
      keyspace.get('k', { level: 'one' as never }),
      keyspace.put('k', undefined),
      keyspace.update('k', 'x' as never),
      keyspace.put('k', 'x'.repeat(2 ** 21)),
    ])
    expect(errors.map(({ code }) => code)).toEqual([
      ...Array.from({ length: 4 }, () => 'QUORATE_INVALID_OPTION'),
      'QUORATE_LIMIT',
    ])
  })

  test.for([
    [{ phase1: 1, phase2: 2 }, 'QUORATE_QUORUMS_DISJOINT'],
    [{ phase1: 'a and b', phase2: 'c' }, 'QUORATE_QUORUMS_DISJOINT'],
    [{ phase1: 4 }, 'QUORATE_INVALID_OPTION'],
    [{ conflicts: 'lww' }, 'QUORATE_INVALID_OPTION'],
    [{ r: 2 }, 'QUORATE_INVALID_OPTION'],
    [{ quorums: { phase1: 2 }, phase2: 2 }, 'QUORATE_INVALID_OPTION'],
  ] as const)('a keyspace with %j: is refused where it is named', ([options, code]) => {
    let error: unknown
    try {
      shared()
        .node('a')
        .keyspace(`cp-${++keyspaces}`, { mode: 'cp', n: 3, ...options } as never)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code })
  })

  test('a keyspace of the other mode: is a mismatch', async () => {
    const { node } = { node: shared().node('a') }
    await registers(node, 'mode-cp').put('k', 1)
    await node.keyspace('mode-ap', { mode: 'ap' }).put('k', 1)
    const errors = await errorsOf([
      node.keyspace('mode-cp', { mode: 'ap' }).get('k'),
      node.keyspace('mode-cp').get('k'),
      registers(node, 'mode-ap').get('k'),
    ])
    expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'QUORATE_KEYSPACE_MISMATCH'))
    expect(await node.adopt('mode-cp')).toMatchObject({ mode: 'cp' })
    expect(await node.adopt('mode-ap')).toMatchObject({ mode: 'ap' })
    expect(await node.adopt('nowhere')).toBeUndefined()
  })
})

describe('registers: flexible quorums', () => {
  test.for([
    [{ phase1: 3, phase2: 1 }],
    [{ phase1: 1, phase2: 3 }],
    [{ phase2: 'a or (b and c)' }],
    [{ quorums: { phase1: 2, phase2: 2 } }],
  ] as const)('%j: writes and reads', async ([quorums]) => {
    const name = `cp-${++keyspaces}`
    const [a, c] = ['a', 'c'].map((id) =>
      shared()
        .node(id)
        .keyspace<number>(name, { mode: 'cp', n: 3, ...quorums }),
    )
    for (let i = 1; i <= 5; i++) {
      await a?.put('k', i)
      expect(await c?.get('k')).toMatchObject({ value: i, revision: i })
    }
  })
})

describe('registers: a partition', () => {
  test('two against one: the majority goes on, the minority refuses, and catches up by itself when links return', async () => {
    const cluster = await start()
    const { a, b, c } = everywhere<string>(cluster)
    await a?.put('k', 'before')
    await c?.get('k')
    cluster.partition(['a', 'b'], ['c'])
    await seen(cluster.node('c'), { a: GONE, b: GONE })
    await seen(cluster.node('a'), { c: GONE })
    const refusals = await errorsOf([
      c?.get('k') as Promise<unknown>,
      c?.put('k', 'minority') as Promise<unknown>,
      c?.update('k', () => 'minority') as Promise<unknown>,
      c?.delete('k') as Promise<unknown>,
    ])
    for (const { code, outcome } of refusals) expect([code, outcome]).toEqual(['QUORATE_UNAVAILABLE', 'none'])
    expect(await c?.get('k', { level: 'stale' })).toMatchObject({ value: 'before' })
    expect(await b?.put('k', 'majority', { ifRevision: 1 })).toMatchObject({ revision: 2 })
    cluster.heal()
    await seen(cluster.node('c'), { a: REACHABLE, b: REACHABLE })
    expect(await c?.get('k')).toMatchObject({ value: 'majority', revision: 2 })
  })

  test('a call whose time is over: an identity that settles it, or gets it done once through another node', async () => {
    const cluster = await start()
    const { a, b } = everywhere<string>(cluster)
    await a?.put('k', 'before')
    await b?.get('k')
    // Answers to a come back too late: it cannot know what it has done.
    for (const from of ['b', 'c']) cluster.slow({ from, to: 'a', delayMs: 1_000 })
    const error = (await errorOf(a?.put('k', 'maybe', { timeoutMs: 150 }) as Promise<unknown>)) as RegisterError
    cluster.heal()
    expect(['QUORATE_TIMEOUT', 'QUORATE_UNAVAILABLE', 'QUORATE_PREEMPTED']).toContain(error.code)
    const { operation } = error
    expect(operation).toBeTypeOf('string')
    const again = await eventually(() => b?.put('k', 'maybe', { operation: operation as string }) as Promise<unknown>)
    expect(again).toMatchObject({ revision: 2 })
    expect(await eventually(() => b?.get('k') as Promise<unknown>)).toMatchObject({ value: 'maybe', revision: 2 })
    if (error.outcome === 'unknown') {
      expect(await eventually(() => error.settle())).toEqual({ outcome: 'landed', revision: 2 })
    }
  })

  test('settled as never applied: a retry is refused, and the value stays', async () => {
    const cluster = await start()
    const { a, b } = everywhere<string>(cluster)
    await a?.put('k', 'before')
    const operation = (await a?.operation('k')) as string
    cluster.partition(['a'], ['b', 'c'])
    const error = (await errorOf(
      a?.put('k', 'lost', { operation, timeoutMs: 100 }) as Promise<unknown>,
    )) as RegisterError
    expect(error.outcome).toBe('unknown')
    cluster.heal()
    expect(await eventually(() => error.settle())).toEqual({ outcome: 'cannot-land', revision: undefined })
    const refused = await errorOf(b?.put('k', 'lost', { operation }) as Promise<unknown>)
    expect(refused).toMatchObject({ code: 'QUORATE_FENCED', outcome: 'none' })
    expect(await b?.get('k')).toMatchObject({ value: 'before', revision: 1 })
  })
})
