/** Siblings made one by the keyspace's `resolve`, on real sockets: whatever it does, no sibling is lost by it. */
import { describe, expect, test } from 'vitest'
import type { ApKeyspace, Entry, KeyspaceOptions } from '../../src/index.ts'
import { errorOf, freshKeyspace, listOf, sharedCluster } from './clusters.ts'

const cluster = sharedCluster()

/** A keyspace whose key `k` holds the siblings `one` and `two`. */
async function conflicting(resolve: NonNullable<KeyspaceOptions<string>['resolve']>): Promise<ApKeyspace<string>> {
  const keyspace = freshKeyspace<string>(cluster().store, { resolve })
  await keyspace.put('k', 'one')
  await keyspace.put('k', 'two')
  return keyspace
}

const joined = (siblings: readonly string[]): string => siblings.toSorted().join('+')

/** Every way to read a key. */
const READS: Readonly<Record<string, (keyspace: ApKeyspace<string>) => Promise<Entry<string> | undefined>>> = {
  get: (keyspace) => keyspace.get('k'),
  'get at level one': (keyspace) => keyspace.get('k', { level: 'one' }),
  getMany: async (keyspace) => (await keyspace.getMany(['other', 'k'])).results.get('k'),
  scan: async (keyspace) => (await listOf(keyspace.scan()))[0]?.entry,
  'a get in a session': (keyspace) => keyspace.with(cluster().store.session()).get('k'),
  'a getMany in a session': async (keyspace) =>
    (await keyspace.with(cluster().store.session()).getMany(['k'])).results.get('k'),
}

const UNDECIDED = new Error('undecided')

/** What a `resolve` may do, what its entry shows then, and whether an update goes through. */
const RESOLVERS: readonly {
  readonly name: string
  readonly resolve: (siblings: string[]) => string
  readonly value?: string
  readonly error?: string
}[] = [
  { name: 'makes a value', resolve: joined, value: 'one+two' },
  {
    name: 'throws',
    resolve: () => {
      throw UNDECIDED
    },
    error: 'undecided',
  },
  {
    name: 'throws what is no error',
    resolve: () => {
      // eslint-disable-next-line only-throw-error -- applications may.
      throw 'a text'
    },
    error: 'a text',
  },
  { name: 'gives a promise', resolve: (async () => 'later') as never, error: 'resolve gave a promise' },
  {
    name: 'gives a promise that is rejected',
    resolve: (async () => {
      throw UNDECIDED
    }) as never,
    error: 'resolve gave a promise',
  },
  { name: 'gives undefined', resolve: (() => undefined) as never },
  { name: 'empties its list', resolve: (siblings) => joined(siblings.splice(0)), value: 'one+two' },
]

describe.each(RESOLVERS)('resolve that $name', ({ resolve, value, error }) => {
  test.for(Object.keys(READS))('%s: shows every sibling, and what came of it', async (name) => {
    const keyspace = await conflicting(resolve)
    const entry = (await READS[name]?.(keyspace)) as Entry<string>
    expect(entry).toMatchObject({ found: true, conflict: true })
    if (error === undefined) {
      expect([entry.value, entry.resolveError]).toEqual([value, undefined])
    } else {
      expect(() => entry.value).toThrow(error)
      expect(entry.resolveError?.message).toContain(error)
    }
    expect(joined(entry.siblings)).toBe('one+two')
    const json = JSON.parse(JSON.stringify(entry)) as { siblings: string[]; value?: string; resolveError?: string }
    expect([joined(json.siblings), json.value]).toEqual(['one+two', value])
    expect(json.resolveError ?? '').toContain(error ?? '')
  })

  test.for(['outside', 'inside'])('update, %s a session: replaces what became one, and nothing else', async (where) => {
    const opened = await conflicting(resolve)
    const keyspace = where === 'inside' ? opened.with(cluster().store.session()) : opened
    if (value !== undefined) {
      await keyspace.update('k', (before) => `${before} and more`)
      expect((await keyspace.get('k')).siblings).toEqual([`${value} and more`])
      return
    }
    let changes = 0
    const failed = await errorOf(keyspace.update('k', () => `change ${++changes}`))
    expect(failed.message).toContain(error ?? '`resolve` gave undefined')
    if (error === undefined) expect(failed).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
    expect(changes).toBe(0)
    const entry = await keyspace.get('k', { level: 'all' })
    expect(joined(entry.siblings)).toBe('one+two')
    await keyspace.put('k', 'decided', { context: entry.context })
    expect((await keyspace.get('k')).siblings).toEqual(['decided'])
  })
})

describe('resolve', () => {
  test('one that changes the values in its list: does not change the siblings', async () => {
    const resolve = (siblings: string[][]): string[] => siblings.reduce((all, more) => (all.push(...more), all))
    const keyspace = freshKeyspace<string[]>(cluster().store, { resolve })
    await keyspace.put('k', ['milk'])
    await keyspace.put('k', ['tea'])
    const entry = await keyspace.get('k')
    expect(entry.value?.toSorted()).toEqual(['milk', 'tea'])
    expect(entry.siblings.flat().toSorted()).toEqual(['milk', 'tea'])
    expect((await keyspace.get('k')).siblings.flat().toSorted()).toEqual(['milk', 'tea'])
  })

  test('bytes that it changes: stay as they are, here and in the replica', async () => {
    const node = cluster().node('a')
    const resolve = (siblings: Buffer[]): Buffer => (siblings[0] as Buffer).fill(9)
    const keyspace = freshKeyspace<Buffer>(node, { resolve })
    await keyspace.put('k', Buffer.of(1))
    await keyspace.put('k', Buffer.of(1))
    const entry = await keyspace.get('k')
    expect([...(entry.value ?? [])]).toEqual([9])
    for (const sibling of [...entry.siblings, ...(await keyspace.get('k')).siblings]) expect([...sibling]).toEqual([1])
  })

  test('is asked once for an entry, when its value is looked at', async () => {
    let asked = 0
    const keyspace = await conflicting((siblings) => joined([String(++asked), ...siblings]))
    const entry = await keyspace.get('k')
    expect(asked).toBe(0)
    expect([entry.value, entry.value, entry.resolveError, asked]).toEqual(['1+one+two', '1+one+two', undefined, 1])
  })

  test('one value: is not resolved', async () => {
    const keyspace = freshKeyspace<string>(cluster().store, { resolve: () => 'resolved' })
    await keyspace.put('k', 'v')
    const entry = await keyspace.get('k')
    expect([entry.value, entry.resolveError]).toEqual(['v', undefined])
  })

  test('a value beside a delete: is the value', async () => {
    const keyspace = freshKeyspace<string>(cluster().store, { resolve: () => 'resolved' })
    await keyspace.put('k', 'v')
    await keyspace.delete('k')
    expect(await keyspace.get('k')).toMatchObject({ value: 'v', conflict: false, found: true })
  })
})
