import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../../src/core/record.ts'
import { META_KEY, metaValue } from '../../../src/runtime/storage/level-format.ts'
import type { Storage } from '../../../src/runtime/storage/storage.ts'
import { committed, lww, plain } from '../../contract/storage-model.ts'
import { newDirectory, openIn, withDatabase } from './level-directories.ts'

const KEYSPACE = 77
const OWNER = { clusterId: 'cluster', replicaId: 'replica' }
const KEYS = Array.from({ length: 400 }, (_, i) => `key ${i}`)

function recordOf(key: string): StoredRecord {
  return lww(1, key.repeat(10))
}

function refusal(message: RegExp): unknown {
  const text = expect.stringMatching(message) as unknown
  return expect.objectContaining({ code: 'QUORATE_STORAGE', outcome: 'none', message: text })
}

/** A directory with half of its records in a table and half in the log. */
async function filled(): Promise<string> {
  const directory = await newDirectory()
  for (const half of [KEYS.slice(0, 200), KEYS.slice(200)]) {
    const storage = await openIn(directory)
    for (const key of half) {
      storage.stage({ keyspace: KEYSPACE, key, record: recordOf(key) })
      await committed(storage)
    }
    await storage.close()
  }
  return directory
}

async function filesOf(directory: string, ending: RegExp): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => ending.test(name)).map((name) => join(directory, name))
}

async function fileOf(directory: string, ending: RegExp): Promise<string> {
  const found = await filesOf(directory, ending)
  expect(found).toHaveLength(1)
  return found[0] as string
}

describe('whose a data directory is', () => {
  it('a directory that is not there yet: is made, with a fresh incarnation', async () => {
    const directory = join(await newDirectory(), 'a', 'b')
    const { identity } = await openIn(directory, { randomIdentity: () => 4711 })
    expect(identity).toEqual({ ...OWNER, incarnation: 4711 })
  })

  it('opened again: keeps its incarnation; wiped: gets another', async () => {
    const directory = await newDirectory()
    const first = await openIn(directory, { randomIdentity: () => 1 })
    await first.close()
    const second = await openIn(directory, { randomIdentity: () => 2 })
    expect(second.identity).toEqual(first.identity)
    await second.close()
    await rm(directory, { recursive: true })
    expect((await openIn(directory, { randomIdentity: () => 3 })).identity.incarnation).toBe(3)
  })

  it.each([
    [
      'another cluster',
      { clusterId: 'other' },
      /belongs to replica "replica" of cluster "cluster", not to "replica" of "other"/,
    ],
    ['another replica', { replicaId: 'other' }, /not to "other" of "cluster".*own directory/],
  ])('the directory of %s: is refused, and stays as it was', async (_, options, message) => {
    const directory = await filled()
    await expect(openIn(directory, options)).rejects.toEqual(refusal(message))
    expect((await openIn(directory)).read(KEYSPACE, 'key 1')).toBeDefined()
  })

  it('a directory in a format to come: is refused', async () => {
    const directory = await filled()
    await withDatabase(directory, (database) =>
      database.put(META_KEY, metaValue({ format: 2, ...OWNER, incarnation: 1 })),
    )
    await expect(openIn(directory)).rejects.toEqual(refusal(/is in format 2; this version reads format 1/))
  })

  it('an identity that is damaged: is refused', async () => {
    const directory = await filled()
    await withDatabase(directory, (database) => database.put(META_KEY, Buffer.from('12345')))
    await expect(openIn(directory)).rejects.toEqual(refusal(/damaged: its identity cannot be read/))
  })

  it('somebody else’s LevelDB: is refused', async () => {
    const directory = await newDirectory()
    const other = new ClassicLevel(directory)
    await other.put('their', 'data')
    await other.close()
    await expect(openIn(directory)).rejects.toEqual(refusal(/not quorate's/))
  })

  it('a directory with other files: is refused, and they stay', async () => {
    const directory = await newDirectory()
    await writeFile(join(directory, 'thesis.txt'), 'words')
    await expect(openIn(directory)).rejects.toEqual(refusal(/not empty.*thesis\.txt.*[Nn]ame an empty directory/))
    expect(await readdir(directory)).toEqual(['thesis.txt'])
  })

  it('a directory in use by this process: is refused', async () => {
    const directory = await filled()
    const storage = await openIn(directory)
    await expect(openIn(directory)).rejects.toEqual(refusal(/in use by another process/))
    expect(storage.read(KEYSPACE, 'key 1')).toBeDefined()
  })

  it('what LevelDB leaves when it is killed at its first start: counts as empty', async () => {
    const directory = await newDirectory()
    for (const name of ['LOCK', 'LOG', 'MANIFEST-000001', '000001.dbtmp']) await writeFile(join(directory, name), '')
    await mkdir(join(directory, 'lost+found'))
    const { identity } = await openIn(directory, { randomIdentity: () => 5 })
    expect(identity.incarnation).toBe(5)
  })
})

describe('a data directory that cannot be used', () => {
  it('a file in its place, or above it: is refused', async () => {
    const file = join(await newDirectory(), 'file')
    await writeFile(file, 'content')
    await expect(openIn(file)).rejects.toEqual(refusal(/is not a directory/))
    await expect(openIn(join(file, 'below'))).rejects.toEqual(refusal(/is not a directory/))
  })

  it.skipIf(process.platform !== 'linux')('a place where nobody can make one: is refused', async () => {
    await expect(openIn('/proc/quorate')).rejects.toEqual(refusal(/\/proc\/quorate.*[Nn]ame another/))
  })

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('no right to write: is refused', async () => {
    const directory = join(await newDirectory(), 'locked')
    await mkdir(directory, { mode: 0o500 })
    await expect(openIn(directory)).rejects.toEqual(refusal(/has no right to write.*Change its owner/))
  })
})

describe('a data directory with a part missing or damaged', () => {
  it.each<[string, RegExp, RegExp]>([
    ['CURRENT', /CURRENT$/, /holds no whole database/],
    ['the log', /\.log$/, /damaged: 0000\d\d\.log is missing/],
    ['a table', /\.ldb$/, /damaged: .*missing files/],
    ['the manifest', /MANIFEST-\d+$/, /damaged: MANIFEST-\d+ is missing/],
  ])('without %s: is refused, again and again', async (_, ending, message) => {
    const directory = await filled()
    await rm(await fileOf(directory, ending))
    for (let i = 0; i < 2; i++) await expect(openIn(directory)).rejects.toEqual(refusal(message))
  })

  it('a table that is cut short: is refused, again and again', async () => {
    const directory = await filled()
    await truncate(await fileOf(directory, /\.ldb$/), 3000)
    for (let i = 0; i < 2; i++)
      await expect(openIn(directory)).rejects.toEqual(refusal(/damaged: 0000\d\d\.ldb: it has no end/))
  })

  it('a log that ends within its last record, as after a crash: opens without that record', async () => {
    const directory = await filled()
    const log = await fileOf(directory, /\.log$/)
    await truncate(log, (await readFile(log)).length - 5)
    const storage = await openIn(directory)
    expect(storage.read(KEYSPACE, 'key 399')).toBeUndefined()
    for (const key of KEYS.slice(0, -1)) expect(plain(storage.read(KEYSPACE, key))).toEqual(plain(recordOf(key)))
  })

  it('a log with a hole of zeros: is refused', async () => {
    const directory = await filled()
    const log = await fileOf(directory, /\.log$/)
    const bytes = await readFile(log)
    await writeFile(log, bytes.fill(0, 1000, 2000))
    for (let i = 0; i < 2; i++)
      await expect(openIn(directory)).rejects.toEqual(refusal(/\.log: it is not what was written from byte/))
  })

  it('a log with zeros at its end, as space set aside: opens with every record', async () => {
    const directory = await filled()
    const log = await fileOf(directory, /\.log$/)
    await writeFile(log, Buffer.concat([await readFile(log), Buffer.alloc(100_000)]))
    const storage = await openIn(directory)
    for (const key of KEYS) expect(storage.read(KEYSPACE, key)).toBeDefined()
  })

  it('a flipped bit anywhere in tables, or in the log before its end: is refused for good, or does no harm', async () => {
    const whole = await filled()
    const outcomes: string[] = []
    for (let i = 0; i < 40; i++) {
      const directory = join(await newDirectory(), 'copy')
      await cp(whole, directory, { recursive: true })
      const file = await fileOf(directory, i % 2 === 0 ? /\.ldb$/ : /\.log$/)
      const bytes = await readFile(file)
      const at = (i * 2_654_435_761) % Math.floor(bytes.length * (i % 2 === 0 ? 1 : 0.9))
      bytes[at] = (bytes[at] as number) ^ (1 << (i % 8))
      await writeFile(file, bytes)
      outcomes.push(`${await outcomeOf(directory)}, then ${await outcomeOf(directory)}`)
    }
    const refused = outcomes.filter((outcome) => outcome === 'QUORATE_STORAGE, then QUORATE_STORAGE')
    const harmless = outcomes.filter((outcome) => outcome === 'whole, then whole')
    expect(refused.length).toBeGreaterThan(30)
    expect(refused.length + harmless.length).toBe(40)
  })
})

/** The code with which opening is refused, or whether everything written is there. */
async function outcomeOf(directory: string): Promise<string> {
  let storage: Storage
  try {
    storage = await openIn(directory)
  } catch (error) {
    return String((error as { readonly code?: unknown }).code)
  }
  const records = KEYS.map((key) => plain(storage.read(KEYSPACE, key)))
  await storage.close()
  return isDeepStrictEqual(
    records,
    KEYS.map((key) => plain(recordOf(key))),
  )
    ? 'whole'
    : 'harmed'
}
