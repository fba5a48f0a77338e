/** The handle of a keyspace on real sockets: values, contexts, siblings, deletes, updates, scans, receipts. */
import { describe, expect, test } from 'vitest'
import type { ApKeyspace, Level, ScanOptions } from '../../src/index.ts'
import { errorOf, freshKeyspace, listOf, sharedCluster } from './clusters.ts'

const cluster = sharedCluster()

async function keysOf<V>(keyspace: ApKeyspace<V>, options: ScanOptions = {}): Promise<string[]> {
  return (await listOf(keyspace.scan(options))).map(({ key }) => key)
}

describe('put and get', () => {
  test.for([
    ['null', null],
    ['false', false],
    ['zero', 0],
    ['an empty text', ''],
    ['a text', 'Grüße 🔑'],
    ['a large number', 2 ** 53 - 1],
    ['a fraction', 0.1],
    ['a big integer', 2n ** 60n],
    ['a date', new Date(Date.UTC(2026, 0, 1))],
    ['bytes', Uint8Array.of(0, 255, 1)],
    ['a list', [1, 'two', [3]]],
    ['nested data', { a: { b: [{ c: null }] }, d: true }],
    ['a set', new Set(['a', 'b'])],
  ] as const)('%s: comes back as it was', async ([, value]) => {
    const keyspace = freshKeyspace(cluster().store)
    await keyspace.put('k', value)
    const entry = await keyspace.get('k')
    expect(entry).toMatchObject({ found: true, deleted: false, conflict: false })
    expect(entry.value instanceof Uint8Array ? new Uint8Array(entry.value) : entry.value).toEqual(value)
    expect(entry.siblings).toHaveLength(1)
  })

  test('a key that was never written: is neither found nor deleted', async () => {
    const entry = await freshKeyspace(cluster().store).get('k')
    expect(entry).toMatchObject({ found: false, deleted: false, conflict: false, siblings: [], versions: [] })
    expect(entry.value).toBeUndefined()
  })

  test('what a client writes, every node reads, and the other way round', async () => {
    const { store, ids } = cluster()
    const keyspace = freshKeyspace<string>(store)
    await keyspace.put('client', 'v', { level: 'all' })
    for (const id of ids) {
      const here = cluster().node(id).keyspace<string>(keyspace.name)
      expect((await here.get('client')).value).toBe('v')
      await here.put(`node ${id}`, id)
      expect((await keyspace.get(`node ${id}`)).value).toBe(id)
    }
  })

  test.for(['__proto__', 'constructor', 'a/b', ' ', '\u0000', '.', 'k'.repeat(1_024), '\u{1f511}', 'ｚ'])(
    'key %j: is a key like any other',
    async (key) => {
      const keyspace = freshKeyspace<string>(cluster().store)
      await keyspace.put(key, 'v')
      expect((await keyspace.get(key)).value).toBe('v')
      expect((await keyspace.get('other')).found).toBe(false)
      expect(await keysOf(keyspace)).toEqual([key])
    },
  )

  test('a value that is changed after the put, or after the get: changes nothing stored', async () => {
    const keyspace = freshKeyspace<string[]>(cluster().store)
    const value = ['before']
    const put = keyspace.put('k', value)
    value.push('after')
    await put
    const entry = await keyspace.get('k')
    expect(entry.value).toEqual(['before'])
    ;(entry.value as string[]).push('later')
    expect((await keyspace.get('k')).value).toEqual(['before'])
  })

  test('bytes that are changed after the get, beside the replica: change nothing stored', async () => {
    const keyspace = freshKeyspace<{ bytes: Buffer } | Buffer>(cluster().node('a'))
    await keyspace.put('alone', Buffer.of(1, 2))
    await keyspace.put('inside', { bytes: Buffer.of(1, 2) })
    for (const key of ['alone', 'inside']) {
      const bytesOf = (value: { bytes: Buffer } | Buffer | undefined): Buffer =>
        value instanceof Uint8Array ? value : (value as { bytes: Buffer }).bytes
      bytesOf((await keyspace.get(key, { level: 'local-one' })).value).fill(9)
      expect([...bytesOf((await keyspace.get(key, { level: 'local-one' })).value)]).toEqual([1, 2])
    }
  })
})

describe('contexts', () => {
  test('a put with the context of a read: replaces what was read', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    await keyspace.put('k', 'old')
    const { context } = await keyspace.get('k')
    await keyspace.put('k', 'new', { context })
    expect((await keyspace.get('k')).siblings).toEqual(['new'])
  })

  test('a put with the context of a put: replaces that write', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const { context } = await keyspace.put('k', 'old')
    await keyspace.put('k', 'new', { context })
    expect((await keyspace.get('k')).siblings).toEqual(['new'])
  })

  test('a put with the context of a key that was not there: is the first write', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const { context } = await keyspace.get('k')
    await keyspace.put('k', 'first', { context })
    expect((await keyspace.get('k')).siblings).toEqual(['first'])
  })

  test('blind writes: are siblings, with their times, and no single value', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const before = Date.now()
    await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    const entry = await keyspace.get('k')
    expect(entry).toMatchObject({ found: true, conflict: true })
    expect([...entry.siblings].toSorted()).toEqual(['one', 'two'])
    expect(entry.value).toBeUndefined()
    for (const { writtenAt, deleted } of entry.versions) {
      expect(deleted).toBe(false)
      expect(writtenAt.getTime()).toBeGreaterThanOrEqual(before)
      expect(writtenAt.getTime()).toBeLessThanOrEqual(Date.now() + 1)
    }
  })

  test('blind writes through two nodes and a session: each sibling tells by whom, when and where it was written', async () => {
    const { store } = cluster()
    const keyspace = freshKeyspace<string>(store)
    const session = store.session()
    await keyspace.put('k', 'by client')
    await cluster().node('b').keyspace<string>(keyspace.name).put('k', 'by b')
    await keyspace.with(session).put('k', 'in session')
    await cluster().node('c').keyspace<string>(keyspace.name).delete('k')
    const entry = await keyspace.get('k', { level: 'all' })
    const authors = new Map(entry.versions.map(({ value, coordinator, session: id }) => [value, [coordinator, id]]))
    expect(authors).toEqual(
      new Map([
        ['by client', [store.id, undefined]],
        ['by b', ['b', undefined]],
        ['in session', [store.id, session.id]],
        [undefined, ['c', undefined]],
      ]),
    )
    const live = entry.versions.filter(({ deleted }) => !deleted)
    expect(live.map(({ value }) => value)).toEqual(entry.siblings)
    expect(new Set(entry.versions.map(({ timestamp }) => timestamp)).size).toBe(4)
    const [{ entry: scanned } = { entry: undefined }] = await listOf(keyspace.scan())
    expect(scanned?.versions).toEqual(entry.versions)
    const json = JSON.parse(JSON.stringify(entry)) as { versions: object[] }
    expect(json.versions).toHaveLength(4)
    expect(json.versions).toContainEqual(expect.objectContaining({ coordinator: store.id, session: session.id }))
    for (const version of json.versions) expect(version).not.toHaveProperty('value')
  })

  test('one operation through two coordinators: the version tells of the first', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const operation = await keyspace.operation('k')
    for (const id of ['b', 'c']) {
      await cluster().node(id).keyspace<string>(keyspace.name).put('k', 'v', { operation, level: 'all' })
    }
    for (const id of cluster().ids) {
      const { versions } = await cluster().node(id).keyspace<string>(keyspace.name).get('k', { level: 'one' })
      expect(versions.map(({ coordinator }) => coordinator)).toEqual(['b'])
    }
  })

  test('a context: replaces the siblings that it saw, and no others', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const first = await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    await keyspace.put('k', 'three', { context: first.context })
    expect([...(await keyspace.get('k')).siblings].toSorted()).toEqual(['three', 'two'])
    const { context } = await keyspace.get('k')
    await keyspace.put('k', 'all of it', { context })
    expect((await keyspace.get('k')).siblings).toEqual(['all of it'])
  })

  test('two writers with one context through two nodes: are siblings', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const { context } = await keyspace.put('k', 'base', { level: 'all' })
    const [a, b] = ['a', 'b'].map((id) => cluster().node(id).keyspace<string>(keyspace.name))
    await Promise.all([a?.put('k', 'left', { context }), b?.put('k', 'right', { context })])
    expect([...(await keyspace.get('k')).siblings].toSorted()).toEqual(['left', 'right'])
  })

  test('a context of a write that was overwritten since: its writer is concurrent with what came after', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const first = await keyspace.put('k', 'one')
    await keyspace.put('k', 'two', { context: first.context })
    await keyspace.put('k', 'late', { context: first.context })
    expect([...(await keyspace.get('k')).siblings].toSorted()).toEqual(['late', 'two'])
  })

  test('more siblings than a record remembers: are replaced at once, at every replica', async () => {
    const keyspace = freshKeyspace<number>(cluster().store)
    await Promise.all(Array.from({ length: 60 }, (_, i) => keyspace.put('k', i)))
    const { siblings, context } = await keyspace.get('k', { level: 'all' })
    expect(siblings).toHaveLength(60)
    const { receipt } = await keyspace.put('k', -1, { context, level: 'all' })
    expect(receipt.reached).toBe(3)
    expect((await keyspace.get('k', { level: 'all' })).siblings).toEqual([-1])
  })
})

describe('delete', () => {
  test('a deleted key: is deleted and not found, and can be written again', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const put = await keyspace.put('k', 'v')
    const deleted = await keyspace.delete('k', { context: put.context })
    const entry = await keyspace.get('k')
    expect(entry).toMatchObject({ found: false, deleted: true, conflict: false, siblings: [] })
    expect(entry.versions).toMatchObject([{ deleted: true, value: undefined }])
    await keyspace.put('k', 'again', { context: deleted.context })
    expect(await keyspace.get('k')).toMatchObject({ found: true, deleted: false, siblings: ['again'] })
  })

  test('a delete of a key that was never written: is a tombstone', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    await keyspace.delete('k')
    expect(await keyspace.get('k')).toMatchObject({ found: false, deleted: true })
  })

  test('a delete that did not see a write: leaves it, and stands beside it', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const first = await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    await keyspace.delete('k', { context: first.context })
    const entry = await keyspace.get('k')
    expect(entry).toMatchObject({ found: true, deleted: false, conflict: false, value: 'two' })
    expect(new Set(entry.versions.map(({ deleted }) => deleted))).toEqual(new Set([false, true]))
  })
})

describe('update', () => {
  test('a counter: each update sees the one before', async () => {
    const keyspace = freshKeyspace<number>(cluster().store)
    for (let i = 0; i < 5; i++) await keyspace.update('k', (n = 0) => n + 1)
    const entry = await keyspace.get('k')
    expect([entry.value, entry.siblings.length]).toEqual([5, 1])
  })

  test('a change that takes its time: is awaited', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const { receipt } = await keyspace.update('k', async (value) => `${value ?? 'nothing'} more`, { level: 'all' })
    expect(receipt.level).toBe('3')
    expect((await keyspace.get('k')).value).toBe('nothing more')
  })

  test('a change that throws: nothing is written', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    await keyspace.put('k', 'v')
    const change = (): string => {
      throw new Error('no')
    }
    await expect(keyspace.update('k', change)).rejects.toThrow('no')
    expect((await keyspace.get('k')).siblings).toEqual(['v'])
  })

  test('siblings and no way to make one of them: is refused, and they stay', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    const error = await errorOf(keyspace.update('k', () => 'three'))
    expect(error).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    expect(error.message).toMatch(/has 2 siblings/)
    expect((await keyspace.get('k')).siblings).toHaveLength(2)
  })

  test('siblings and a way to make one of them: the change gets it, and replaces them all', async () => {
    const resolve = (siblings: string[][]): string[] => [...new Set(siblings.flat())].toSorted()
    const keyspace = freshKeyspace<string[]>(cluster().store, { resolve })
    await keyspace.put('k', ['milk'])
    await keyspace.put('k', ['tea'])
    expect((await keyspace.get('k')).value).toEqual(['milk', 'tea'])
    await keyspace.update('k', (cart = []) => [...cart, 'bread'])
    expect((await keyspace.get('k')).siblings).toEqual([['milk', 'tea', 'bread']])
  })

  test('two updates at once: keep both results', async () => {
    const keyspace = freshKeyspace<string[]>(cluster().store)
    await keyspace.put('k', [])
    await Promise.all(['a', 'b'].map((item) => keyspace.update('k', (list = []) => [...list, item])))
    const { siblings } = await keyspace.get('k')
    expect(siblings.flat().toSorted()).toEqual(['a', 'b'])
  })
})

describe('lww', () => {
  test('the version tells by whom it was written', async () => {
    const { store } = cluster()
    const keyspace = freshKeyspace<string>(store, { conflicts: 'lww' })
    const session = store.session()
    await keyspace.with(session).put('k', 'v')
    const { versions } = await keyspace.get('k')
    expect(versions).toMatchObject([{ value: 'v', coordinator: store.id, session: session.id }])
  })

  test('a later write wins, seen or not, and there are no siblings', async () => {
    const keyspace = freshKeyspace<string>(cluster().store, { conflicts: 'lww' })
    await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    expect(await keyspace.get('k')).toMatchObject({ value: 'two', conflict: false })
    await keyspace.delete('k')
    expect(await keyspace.get('k')).toMatchObject({ found: false, deleted: true })
    await keyspace.put('k', 'three')
    expect((await keyspace.get('k')).value).toBe('three')
  })

  test('writes at once through all nodes: every node shows the same winner', async () => {
    const keyspace = freshKeyspace<string>(cluster().store, { conflicts: 'lww' })
    const handles = cluster().ids.map((id) => cluster().node(id).keyspace<string>(keyspace.name))
    await Promise.all(handles.map((handle, i) => handle.put('k', `from ${i}`)))
    const shown = await Promise.all(handles.map(async (handle) => (await handle.get('k', { level: 'all' })).value))
    expect(new Set(shown).size).toBe(1)
  })
})

describe('scan', () => {
  const keys = ['apple', 'apricot', 'banana', 'cherry', 'Zürich', '🔑', 'ｚ']
  /** By code point. */
  const inOrder = ['Zürich', 'apple', 'apricot', 'banana', 'cherry', 'ｚ', '🔑']

  async function filled(): Promise<ApKeyspace<string>> {
    const keyspace = freshKeyspace<string>(cluster().store)
    await Promise.all(keys.map((key) => keyspace.put(key, key)))
    return keyspace
  }

  test('all keys: come in key order, with their entries', async () => {
    const keyspace = await filled()
    const all = await listOf(keyspace.scan())
    expect(all.map(({ key }) => key)).toEqual(inOrder)
    for (const { key, entry } of all) expect(entry).toMatchObject({ found: true, value: key, receipt: undefined })
  })

  test.for([
    [{ prefix: 'ap' }, ['apple', 'apricot']],
    [{ prefix: 'x' }, []],
    [{ after: 'apricot' }, ['banana', 'cherry', 'ｚ', '🔑']],
    [{ after: 'aq' }, ['banana', 'cherry', 'ｚ', '🔑']],
    [{ prefix: 'ap', after: 'apple' }, ['apricot']],
    [{ prefix: 'b', after: 'c' }, []],
    [{ limit: 2 }, ['Zürich', 'apple']],
    [{ limit: 0 }, []],
    [{ limit: Infinity }, inOrder],
    [{ prefix: 'ap', limit: 1 }, ['apple']],
    [{ level: 'all' as const }, inOrder],
    [{ level: 'one' as const }, inOrder],
  ] as const)('%o: gives %j', async ([options, expected]) => {
    const keyspace = await filled()
    // Level one may miss what has not come everywhere yet.
    if ('level' in options) for (const key of keys) await keyspace.get(key, { level: 'all' })
    expect(await keysOf(keyspace, options)).toEqual(expected)
  })

  test('deleted keys: are left out, and do not count', async () => {
    const keyspace = await filled()
    for (const key of ['Zürich', 'apple']) await keyspace.delete(key, { context: (await keyspace.get(key)).context })
    expect(await keysOf(keyspace, { limit: 2 })).toEqual(['apricot', 'banana'])
  })

  test('siblings: are both in the entry, which leads to a put that replaces them', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    await keyspace.put('k', 'one')
    await keyspace.put('k', 'two')
    const [{ key, entry } = { key: '', entry: undefined }] = await listOf(keyspace.scan())
    expect([...(entry?.siblings ?? [])].toSorted()).toEqual(['one', 'two'])
    await keyspace.put(key, 'three', { context: entry?.context ?? '' })
    expect((await keyspace.get('k')).siblings).toEqual(['three'])
  })

  test('more keys than a page holds: are all there, once and in order, and any part of them', async () => {
    const keyspace = freshKeyspace<number>(cluster().store, { conflicts: 'lww' })
    const many = Array.from({ length: 700 }, (_, i) => `k${String(i).padStart(4, '0')}`)
    await Promise.all(many.map((key, i) => keyspace.put(key, i)))
    expect(await keysOf(keyspace)).toEqual(many)
    expect(await keysOf(keyspace, { limit: 300, after: 'k0099' })).toEqual(many.slice(100, 400))
    const walked: string[] = []
    for await (const { key } of keyspace.scan()) {
      walked.push(key)
      if (walked.length === 260) break
    }
    expect(walked).toEqual(many.slice(0, 260))
  })
})

describe('receipts', () => {
  test.for([
    ['one', '1', false],
    ['two', '2', true],
    ['quorum', '2', true],
    ['all', '3', true],
    [1, '1', false],
    [3, '3', true],
  ] as const)('level %s: the receipt says %s, strict %s', async ([level, name, strict]) => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const put = await keyspace.put('k', 'v', { level: level as Level })
    const get = await keyspace.get('k', { level: level as Level })
    for (const { receipt } of [put, get]) expect(receipt).toMatchObject({ level: name, strict })
    const short = await keyspace.get('k', { ...(typeof level === 'number' && { r: level }) })
    expect(short.receipt?.level).toBe(typeof level === 'number' ? name : '2')
  })

  test('a write to all: every replica holds it, and as many as the quorum spares could have been missing', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const { receipt } = await keyspace.put('k', 'v', { w: 3 })
    expect(receipt).toMatchObject({ reached: 3, settled: true, spare: 0 })
    for (const replica of Object.values(receipt.replicas)) {
      expect(replica).toMatchObject({ state: 'current', repaired: false })
      expect(replica.ms).toBeLessThanOrEqual(receipt.ms)
    }
    expect(Object.keys(receipt.replicas).toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('a write to one: is not on a write quorum, and does not claim it', async () => {
    const { receipt } = await freshKeyspace<string>(cluster().store).put('k', 'v', { w: 1 })
    expect(receipt).toMatchObject({ settled: false, strict: false })
  })

  test('as JSON: entries and puts say what they know', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const put = await keyspace.put('k', 'v')
    expect(JSON.parse(JSON.stringify(put))).toMatchObject({ context: put.context, receipt: { level: '2' } })
    const entry = await keyspace.get('k')
    expect(JSON.parse(JSON.stringify(entry))).toMatchObject({
      found: true,
      deleted: false,
      conflict: false,
      value: 'v',
      siblings: ['v'],
      context: entry.context,
      receipt: { strict: true, settled: true },
    })
  })
})

describe('operations', () => {
  test('identities: are new each time', async () => {
    const keyspace = freshKeyspace(cluster().store)
    const names = await Promise.all(Array.from({ length: 20 }, () => keyspace.operation('k')))
    expect(new Set(names).size).toBe(20)
  })

  test('the same operation twice, through two coordinators: is one write', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const operation = await keyspace.operation('k')
    await keyspace.put('k', 'v', { operation })
    for (const id of cluster().ids) {
      await cluster().node(id).keyspace<string>(keyspace.name).put('k', 'v', { operation })
    }
    const entry = await keyspace.get('k', { level: 'all' })
    expect(entry.siblings).toEqual(['v'])
    expect(entry.versions).toHaveLength(1)
  })

  test('the same operation at once, through all coordinators: is one write, and overwritten as one', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const operation = await keyspace.operation('k')
    const handles = cluster().ids.map((id) => cluster().node(id).keyspace<string>(keyspace.name))
    await Promise.all(handles.map((handle) => handle.put('k', 'v', { operation })))
    expect((await keyspace.get('k', { level: 'all' })).siblings).toEqual(['v'])
    const { context } = await keyspace.get('k', { level: 'all' })
    await keyspace.put('k', 'next', { context, level: 'all' })
    for (const handle of handles) await handle.put('k', 'v', { operation })
    expect((await keyspace.get('k', { level: 'all' })).siblings).toEqual(['next'])
  })

  test('an operation of an overwritten write, again: brings nothing back', async () => {
    const keyspace = freshKeyspace<string>(cluster().store)
    const operation = await keyspace.operation('k')
    const first = await keyspace.put('k', 'one', { operation })
    await keyspace.put('k', 'two', { context: first.context })
    await keyspace.put('k', 'one', { operation })
    expect((await keyspace.get('k')).siblings).toEqual(['two'])
  })

  test('lww: an operation again does not overtake what was written in between', async () => {
    const keyspace = freshKeyspace<string>(cluster().store, { conflicts: 'lww' })
    const operation = await keyspace.operation('k')
    await keyspace.put('k', 'one', { operation })
    await keyspace.put('k', 'two')
    await keyspace.put('k', 'one', { operation })
    expect((await keyspace.get('k')).value).toBe('two')
  })
})
