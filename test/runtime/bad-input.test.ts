/**
 * Bad input through the API: a clear error with a code before anything is sent, and nothing else is harmed: the links
 * stay up, what is stored stays, other calls go on.
 */
import { afterAll, describe, expect, test } from 'vitest'
import {
  connect,
  openNode,
  QuorateError,
  startLocalCluster,
  type ApKeyspace,
  type KeyspaceOptions,
} from '../../src/index.ts'
import { errorOf, errorsOf, freshKeyspace, listOf, sharedCluster } from './clusters.ts'
import { contextToken } from '../../src/runtime/context-token.ts'
import { matching } from '../core/matching.ts'

const cluster = sharedCluster({ keyBytesMax: 64, valueBytesMax: 1_000 })

type Case = readonly [
  name: string,
  call: (keyspace: ApKeyspace) => Promise<unknown>,
  code: string,
  message: string | RegExp,
]

const circular: { self?: unknown } = {}
circular.self = circular

const cases: readonly Case[] = [
  ['an empty key', (k) => k.get(''), 'INVALID_OPTION', 'a key is a string that is not empty'],
  ['a key that is a number', (k) => k.put(7 as never, 'v'), 'INVALID_OPTION', 'a key is a string that is not empty'],
  ['no key', (k) => k.delete(undefined as never), 'INVALID_OPTION', 'a key is a string that is not empty'],
  ['a key that is an object', (k) => k.get({} as never), 'INVALID_OPTION', 'a key is a string that is not empty'],
  ['a key of 65 bytes', (k) => k.get('k'.repeat(65)), 'LIMIT', /the key takes more than 64 bytes/],
  ['a key of 22 characters in 66 bytes', (k) => k.put('漢'.repeat(22), 1), 'LIMIT', /the key takes more than 64 bytes/],
  ['half of a surrogate pair', (k) => k.get('\ud800'), 'INVALID_OPTION', /must be well-formed Unicode/],
  ['a value that is undefined', (k) => k.put('k', undefined), 'INVALID_OPTION', /a value cannot be undefined/],
  ['a value that is a function', (k) => k.put('k', () => 1), 'INVALID_OPTION', /a value cannot be function/],
  ['a value that is a symbol', (k) => k.put('k', Symbol('s')), 'INVALID_OPTION', /a value cannot be symbol/],
  ['a value of more than 1,000 bytes', (k) => k.put('k', 'v'.repeat(1_000)), 'LIMIT', /the value takes 1003 bytes/],
  ['an update to nothing', (k) => k.update('k', () => undefined), 'INVALID_OPTION', /a value cannot be undefined/],
  ['a level that is no word', (k) => k.get('k', { level: 'most' as never }), 'INVALID_OPTION', /"most" is not a level/],
  ['a level of 0', (k) => k.get('k', { level: 0 }), 'INVALID_OPTION', /level 0 needs 0 replicas/],
  ['a level of 4', (k) => k.put('k', 1, { level: 4 }), 'INVALID_OPTION', /use 1 to 3/],
  ['a level of one and a half', (k) => k.put('k', 1, { w: 1.5 }), 'INVALID_OPTION', /level 1.5 needs/],
  ['a level that is null', (k) => k.get('k', { level: null as never, r: 9 }), 'INVALID_OPTION', /not both|level/],
  ['level and r', (k) => k.get('k', { level: 'one', r: 1 }), 'INVALID_OPTION', 'give level or r, not both'],
  ['level and w', (k) => k.put('k', 1, { level: 'one', w: 1 }), 'INVALID_OPTION', 'give level or w, not both'],
  ['a level for a scan that is none', (k) => listOf(k.scan({ level: 9 })), 'INVALID_OPTION', /level 9 needs/],
  [
    'a zoned level without zones there',
    (k) => k.get('k', { level: 'local' as never }),
    'INVALID_OPTION',
    /"local" is not a level/,
  ],
  ['a repair that is none', (k) => k.get('k', { repair: 'yes' as never }), 'INVALID_OPTION', /repair is "yes"/],
  ['a time limit of 0', (k) => k.get('k', { timeoutMs: 0 }), 'INVALID_OPTION', /timeoutMs is 0/],
  [
    'a time limit that is text',
    (k) => k.put('k', 1, { timeoutMs: '50' as never }),
    'INVALID_OPTION',
    /timeoutMs is "50"/,
  ],
  ['an endless time limit', (k) => listOf(k.scan({ timeoutMs: Infinity })), 'INVALID_OPTION', /timeoutMs is Infinity/],
  ['a context that is text', (k) => k.put('k', 1, { context: 'hello' }), 'INVALID_OPTION', /the context is not one/],
  ['an empty context', (k) => k.put('k', 1, { context: '' }), 'INVALID_OPTION', /the context is not one/],
  [
    'a context that is an object',
    (k) => k.delete('k', { context: {} as never }),
    'INVALID_OPTION',
    /the context is not one/,
  ],
  [
    'a context of 100,000 characters',
    (k) => k.put('k', 1, { context: 'A'.repeat(100_000) }),
    'INVALID_OPTION',
    /the context is not one/,
  ],
  [
    'an operation that is text',
    (k) => k.put('k', 1, { operation: 'mine' }),
    'INVALID_OPTION',
    /"mine" is not an operation/,
  ],
  ['an operation that is empty', (k) => k.delete('k', { operation: '' }), 'INVALID_OPTION', /is not an operation/],
  [
    'an operation that is a number',
    (k) => k.put('k', 1, { operation: 7 as never }),
    'INVALID_OPTION',
    /is not an operation/,
  ],
  [
    'a prefix that is a number',
    (k) => listOf(k.scan({ prefix: 7 as never })),
    'INVALID_OPTION',
    'prefix is 7: use a string',
  ],
  [
    'a prefix of 65 bytes',
    (k) => listOf(k.scan({ prefix: 'k'.repeat(65) })),
    'LIMIT',
    /prefix takes more than 64 bytes/,
  ],
  [
    'a prefix of 100,000 bytes',
    (k) => listOf(k.scan({ prefix: 'k'.repeat(100_000) })),
    'LIMIT',
    /prefix takes more than 64/,
  ],
  [
    'a key to go on after that is a number',
    (k) => listOf(k.scan({ after: 5 as never })),
    'INVALID_OPTION',
    'after is 5: use a string',
  ],
  [
    'a key to go on after that is too long',
    (k) => listOf(k.scan({ after: 'k'.repeat(65) })),
    'LIMIT',
    /after takes more than 64/,
  ],
  [
    'half a pair to go on after',
    (k) => listOf(k.scan({ after: '\udc00' })),
    'INVALID_OPTION',
    /after must be well-formed/,
  ],
  [
    'a limit below 0',
    (k) => listOf(k.scan({ limit: -1 })),
    'INVALID_OPTION',
    'limit is -1: use a whole number of entries',
  ],
  ['a limit with a fraction', (k) => listOf(k.scan({ limit: 0.5 })), 'INVALID_OPTION', /limit is 0.5/],
  ['a limit that is no number', (k) => listOf(k.scan({ limit: NaN })), 'INVALID_OPTION', /limit is NaN/],
  ['a limit that is text', (k) => listOf(k.scan({ limit: '5' as never })), 'INVALID_OPTION', /limit is 5/],
]

for (const opened of [true, false]) {
  describe(opened ? 'arguments of an open keyspace' : 'arguments of the first call', () => {
    test.for(cases)('%s: is refused', async ([, call, code, message]) => {
      const keyspace = freshKeyspace(cluster().store)
      if (opened) await keyspace.get('k')
      const error = await errorOf(call(keyspace))
      expect(error).toBeInstanceOf(QuorateError)
      expect(error).toMatchObject({ code: `QUORATE_${code}`, outcome: 'none' })
      expect(error.message).toEqual(typeof message === 'string' ? message : matching(message))
    })
  })
}

test('a value that holds itself: is refused, or comes back as it was, and hangs nothing', async () => {
  const keyspace = freshKeyspace(cluster().store)
  const [result] = await Promise.allSettled([keyspace.put('k', circular)])
  if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
  else expect((await keyspace.get('k')).value).toMatchObject({ self: {} })
})

test('a context of another key, or of another keyspace: is refused', async () => {
  const keyspace = freshKeyspace<string>(cluster().store)
  const other = freshKeyspace<string>(cluster().store)
  const { context } = await keyspace.put('k', 'v')
  for (const error of await errorsOf([keyspace.put('other', 'v', { context }), other.put('k', 'v', { context })])) {
    expect(error).toMatchObject({
      code: 'QUORATE_INVALID_OPTION',
      outcome: 'none',
      message: matching('it is of another key'),
    })
  }
  await keyspace.put('k', 'w', { context })
})

test('a made-up context of writes that the key never had: is refused by every replica, and harms nothing', async () => {
  const { store, ids } = cluster()
  const keyspace = freshKeyspace<string>(store)
  await keyspace.put('k', 'kept', { level: 'all' })
  const actors = ids.map((id) => cluster().node(id).status().incarnation).toSorted((a, b) => a - b)
  const vector = actors.flatMap((actor) => [actor, Number.MAX_SAFE_INTEGER])
  const context = contextToken({ vector, cloud: [] }, { keyspace: keyspace.name, key: 'k' })
  const error = await errorOf(keyspace.put('k', 'spoilt', { context }))
  expect(error).toMatchObject({ outcome: 'none' })
  for (const said of Object.values(error.replicas)) expect(said).toMatch(/^refused: bad-context/)
  expect((await keyspace.get('k', { level: 'all' })).siblings).toEqual(['kept'])
})

test('after all of it: the links are up as before, nothing was lost on them, and what is stored is there', async () => {
  const { store } = cluster()
  const keyspace = freshKeyspace(store)
  await keyspace.put('k', 'kept')
  const before = store.status()
  const notices: unknown[] = []
  const stop = store.observe((notice) => notices.push(notice))
  await Promise.allSettled(cases.map(([, call]) => call(keyspace)))
  stop()
  expect((await keyspace.get('k', { level: 'all' })).found).toBe(true)
  expect(notices.filter((notice) => (notice as { kind: string }).kind === 'reachability')).toEqual([])
  for (const [id, { dropped, state }] of Object.entries(store.status().replicas)) {
    expect(dropped, id).toBe(before.replicas[id]?.dropped)
    expect(['reachable', 'late']).toContain(state)
  }
  expect(store.status().inFlight).toBe(0)
})

describe('keyspaces', () => {
  test.for([
    ['an empty name', '', undefined, /is not a keyspace name/],
    ['a name with a slash', 'a/b', undefined, /is not a keyspace name/],
    ['a name that is a number', 7, undefined, /is not a keyspace name/],
    ['another mode', 'x', { mode: 'xp' }, /mode "xp" is not known/],
    ['an option that does not exist', 'x', { mode: 'ap', N: 3 }, /"N" is not an option of a keyspace/],
    ['more copies than replicas', 'x', { mode: 'ap', n: 4 }, /n is 4, and there are 3 replicas/],
    ['a quorum beyond the copies', 'x', { mode: 'ap', n: 2, w: 3 }, /a key has 2/],
    ['r and read', 'x', { mode: 'ap', r: 1, read: 'one' }, /give read or r/],
    ['an unknown conflict rule', 'x', { mode: 'ap', conflicts: 'first' }, /conflicts is "first"/],
    ['resolve with lww', 'x', { mode: 'ap', conflicts: 'lww', resolve: () => 1 }, /resolve is for siblings/],
    ['an unknown repair', 'x', { mode: 'ap', repair: 'maybe' }, /repair is "maybe"/],
    ['a time limit below 1', 'x', { mode: 'ap', timeoutMs: 0.5 }, /timeoutMs is 0.5/],
  ] as const)('%s: is refused at once', ([, name, options, message]) => {
    const open = (): unknown => cluster().store.keyspace(name as string, options as KeyspaceOptions)
    expect(open).toThrow(expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: matching(message) }))
  })
})

describe('nodes, clients and clusters', () => {
  const replicas = { a: 'ws://127.0.0.1:1' }

  test.for([
    ['a cluster of no replicas', () => startLocalCluster({ replicas: 0 }), /replicas is 0: use 1 to 26/],
    ['a cluster of 27 replicas', () => startLocalCluster({ replicas: 27 }), /replicas is 27/],
    ['a cluster of half a replica', () => startLocalCluster({ replicas: 1.5 }), /replicas is 1.5/],
    ['zones for some replicas', () => startLocalCluster({ zones: ['x'] }), /zones names 1 of 3 replicas/],
    ['a heartbeat of 1 ms', () => startLocalCluster({ heartbeatMs: 1 }), /heartbeatMs is 1: use 10 to 60000/],
    ['a key limit of 1 MB', () => startLocalCluster({ keyBytesMax: 1_000_000 }), /keyBytesMax is 1000000/],
    ['a client of nobody', () => connect({ replicas: {} }), /replicas is empty/],
    ['a client with an id that is no name', () => connect({ replicas, id: 'a/b' }), /a client id/],
    ['a client without replicas', () => connect({} as never), /replicas is empty/],
    [
      'a client with an unknown option',
      () => connect({ replicas, replica: 'a' } as never),
      /"replica" is not an option of a client/,
    ],
    [
      'a client with a replica that has no plain name',
      () => connect({ replicas: { 'a b': 'ws://127.0.0.1:1' } }),
      /is not a replica id/,
    ],
    ['a client with an address that is none', () => connect({ replicas: { a: 'here' } }), /./],
    ['a node without a name', () => openNode({} as never), /is not a replica id/],
    ['a node that is its own peer', () => openNode({ id: 'a', peers: replicas }), /is among its own peers/],
    [
      'a node with an unknown option',
      () => openNode({ id: 'a', port: 1 } as never),
      /"port" is not an option of a node/,
    ],
    ['a node on another host without a secret', () => openNode({ id: 'a', listen: { host: '0.0.0.0' } }), /secret/],
    ['a node with a time limit that is text', () => openNode({ id: 'a', timeoutMs: '5' as never }), /timeoutMs is "5"/],
  ] as const)('%s: is refused', async ([, start, message]) => {
    const error = await errorOf(start())
    expect(error).toBeInstanceOf(QuorateError)
    expect(error.outcome).toBe('none')
    expect(error.message).toMatch(message)
  })

  test('a port in use: is refused, and who uses it goes on', async () => {
    const first = await openNode({ id: 'a' })
    afterAll(() => first.close())
    const port = Number(new URL(first.url).port)
    expect(await errorOf(openNode({ id: 'b', listen: { port } }))).toMatchObject({
      code: 'QUORATE_INVALID_OPTION',
      message: matching(String(port)),
    })
    const keyspace = freshKeyspace<string>(first)
    await keyspace.put('k', 'v')
    expect((await keyspace.get('k')).value).toBe('v')
  })

  test('replicas that nobody runs: are unavailable, with the reason', async () => {
    expect(await errorOf(connect({ replicas, timeoutMs: 200 }))).toMatchObject({
      code: 'QUORATE_UNAVAILABLE',
      retry: 'safe',
      message: matching('no replica can be reached'),
    })
  })

  test('a client with other members, another secret or another cluster: is refused, and others are not disturbed', async () => {
    const { urls, store } = cluster()
    const { a = '', b = '', c = '' } = urls
    const wrong = [
      connect({ replicas: { a, b }, timeoutMs: 2_000 }),
      connect({ replicas: { a, b, c }, clusterId: 'another', timeoutMs: 2_000 }),
      connect({ replicas: { a, b, c }, secret: 'x'.repeat(16), timeoutMs: 2_000 }),
    ]
    for (const error of await errorsOf(wrong)) {
      expect(['QUORATE_UNAUTHORIZED', 'QUORATE_PROTOCOL']).toContain(error.code)
    }
    const keyspace = freshKeyspace<string>(store)
    await keyspace.put('k', 'v', { level: 'all' })
  })
})
