/** Sessions: what one user has seen travels between nodes, and is never taken back. */
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { Session } from '../../src/runtime/session.ts'
import { errorOf, errorsOf, freshKeyspace, GONE, ownClusters, REACHABLE, seen, sharedCluster } from './clusters.ts'
import { matching } from '../core/matching.ts'

const start = ownClusters({ heartbeatMs: 200, timeoutMs: 5_000 })
const cluster = sharedCluster()

describe('a session in one process', () => {
  test('threads contexts: its writes replace each other, blind ones by others stay', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const mine = keyspace.with(cluster().store.session())
    await mine.put('k', 'one')
    await mine.put('k', 'two')
    expect((await mine.get('k')).siblings).toEqual(['two'])
    await keyspace.put('k', 'other')
    await mine.put('k', 'three')
    expect([...(await mine.get('k')).siblings].toSorted()).toEqual(['other', 'three'])
    await mine.put('k', 'both')
    expect((await mine.get('k')).siblings).toEqual(['both'])
    await mine.delete('k')
    expect(await mine.get('k')).toMatchObject({ found: false, deleted: true })
  })

  test('two sessions: know nothing of each other', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    await keyspace.with(cluster().store.session()).put('k', 'one')
    await keyspace.with(cluster().store.session()).put('k', 'two')
    expect((await keyspace.get('k')).conflict).toBe(true)
  })

  test('a context given to a call: counts instead of the session', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const nothing = (await keyspace.get('k')).context
    const mine = keyspace.with(cluster().store.session())
    await mine.put('k', 'one')
    await mine.put('k', 'two', { context: nothing })
    expect((await mine.get('k')).siblings).toHaveLength(2)
  })

  test('an update, and a key in another keyspace: are followed like any other', async () => {
    const session = cluster().store.session()
    const one = freshKeyspace<number>(cluster().store).with(session)
    const other = freshKeyspace<number>(cluster().store, { conflicts: 'lww' }).with(session)
    for (const keyspace of [one, other]) {
      for (let i = 0; i < 3; i++) await keyspace.update('k', (n = 0) => n + 1)
      expect((await keyspace.get('k')).value).toBe(3)
    }
  })
})

describe('a session that travels', () => {
  test('read your writes: the other node does not show less, and shows it as soon as it can', async () => {
    const own = await start()
    const [here, there] = [own.node('a'), own.node('b')]
    const keyspace = freshKeyspace<string>(here, { r: 1, w: 1 })
    const remote = there.keyspace<string>(keyspace.name)
    await keyspace.put('k', 'old', { level: 'all' })
    await remote.get('k')
    own.partition(['a'], ['b', 'c'])
    await seen(here, { b: GONE, c: GONE })
    await seen(there, { a: GONE })
    const session = here.session()
    await keyspace.with(session).get('k')
    await keyspace.with(session).put('k', 'mine')
    expect((await remote.get('k')).siblings).toEqual(['old'])
    const travelled = remote.with(there.session(session.token))
    expect(await errorOf(travelled.get('k', { timeoutMs: 50 }))).toMatchObject({
      code: 'QUORATE_TIMEOUT',
      outcome: 'none',
      message: matching('no replica had what the session has seen'),
    })
    const patient = travelled.get('k')
    own.heal()
    expect((await patient).siblings).toEqual(['mine'])
  })

  test('monotonic reads: what one node has shown, no other takes back', async () => {
    const own = await start()
    const [here, there] = [own.node('a'), own.node('b')]
    const keyspace = freshKeyspace<string>(here, { r: 1, w: 1, repair: 'off' })
    const remote = there.keyspace<string>(keyspace.name, { mode: 'ap', r: 1, w: 1, repair: 'off' })
    const { context } = await keyspace.put('k', 'old', { level: 'all' })
    await remote.get('k')
    own.partition(['a'], ['b', 'c'])
    await seen(here, { b: GONE, c: GONE })
    await keyspace.put('k', 'new', { context })
    const reader = here.session()
    expect((await keyspace.with(reader).get('k')).value).toBe('new')
    own.heal()
    await seen(there, { a: REACHABLE, c: REACHABLE })
    expect((await remote.get('k')).value).toBe('old')
    expect((await remote.with(there.session(reader.token)).get('k')).value).toBe('new')
  })

  test('lww: a session that has read a stamp does not read an older one, through any node', async () => {
    const own = await start()
    const [here, there] = [own.node('a'), own.node('b')]
    const keyspace = freshKeyspace<string>(here, { r: 1, w: 1, conflicts: 'lww', repair: 'off' })
    const remote = there.keyspace<string>(keyspace.name, { mode: 'ap', r: 1, w: 1, conflicts: 'lww', repair: 'off' })
    await keyspace.put('k', 'old', { level: 'all' })
    await remote.get('k')
    own.partition(['a'], ['b', 'c'])
    await seen(here, { b: GONE, c: GONE })
    const session = here.session()
    await keyspace.with(session).put('k', 'new')
    own.heal()
    await seen(there, { a: REACHABLE, c: REACHABLE })
    expect((await remote.get('k')).value).toBe('old')
    expect((await remote.with(there.session(session.token)).get('k')).value).toBe('new')
  })

  test('a token: carries every key of every keyspace, and grows no wiser afterwards', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const session = cluster().store.session()
    await keyspace.with(session).put('a/b', 'one')
    const { token } = session
    await keyspace.with(session).put('__proto__', 'two')
    const copy = new Session(token)
    expect(copy.seen(keyspace.name, 'a/b')).toEqual(session.seen(keyspace.name, 'a/b'))
    expect(copy.seen(keyspace.name, '__proto__')).toBeUndefined()
    const again = new Session(session.token)
    expect(again.seen(keyspace.name, '__proto__')).toEqual(session.seen(keyspace.name, '__proto__'))
    expect(new Session(new Session().token).seen('x', 'y')).toBeUndefined()
  })

  test('a token: carries the name of the session, and another session has another', () => {
    const session = new Session()
    expect(session.id).toMatch(/^[A-Za-z0-9_-]{8}$/)
    expect(new Session(session.token).id).toBe(session.id)
    expect(new Session().id).not.toBe(session.id)
  })
})

function tokenOf(parts: unknown): string {
  return new Packr({ useRecords: false }).pack(parts).toString('base64url')
}

describe('what is no session', () => {
  test.for([
    ['nothing', ''],
    ['other text', 'hello'],
    ['text that is no base64', '!!!'],
    ['a context', 'AYNtbJoCAIBun5vqYN5C'],
    ['null', null],
    ['a number', 7],
    ['an object', {}],
    ['a map of other things', Buffer.from([0x81, 0xa1, 0x61, 0x01]).toString('base64url')],
    ['a list of other things', Buffer.from([0x91, 0x01]).toString('base64url')],
    ['no name of a session', tokenOf(['short', []])],
    ['a name that is no text', tokenOf([7, []])],
    ['a pair with a context that is none', tokenOf(['AbCdEf_-', [['x/y', 'z']]])],
    ['a pair of three', tokenOf(['AbCdEf_-', [['x/y', 'z', 'z']]])],
    ['something behind the pairs', tokenOf(['AbCdEf_-', [], 1])],
  ] as const)('%s: is refused', ([, token]) => {
    expect(() => cluster().store.session(token as string)).toThrow(
      expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' }),
    )
  })

  test('a token cut short: is refused, or carries less, and harms nothing', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const session = cluster().store.session()
    for (const key of ['a', 'b', 'c']) await keyspace.with(session).put(key, 'v')
    const { token } = session
    let refused = 0
    for (let length = 1; length < token.length; length++) {
      try {
        const seenThere = new Session(token.slice(0, length)).seen(keyspace.name, 'a')
        if (seenThere !== undefined) expect(seenThere).toEqual(session.seen(keyspace.name, 'a'))
      } catch (error) {
        expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(token.length / 2)
  })
})

test('a session of 10,000 keys: takes no more, and refuses before anything is sent rather than forget one', async () => {
  const session = cluster().store.session()
  const context = { vector: [1, 1], cloud: [] }
  for (let i = 0; i < 10_000; i++) session.see('x', `k${i}`, context)
  expect(() => {
    session.see('x', 'k0', { vector: [1, 2], cloud: [] })
  }).not.toThrow()
  const keyspace = freshKeyspace<string>(cluster().store).with(session)
  for (const error of await errorsOf([
    keyspace.put('one more', 'v'),
    keyspace.get('one more'),
    keyspace.delete('one more'),
  ])) {
    expect(error).toMatchObject({ code: 'QUORATE_LIMIT', outcome: 'none' })
  }
})
