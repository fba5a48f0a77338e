/**
 * Data directories for the tests of the storage on disk: made empty, handed out, and removed after each test.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterEach } from 'vitest'
import { openLevelStorage, type LevelStorageOptions } from '../../../src/runtime/storage/level-storage.ts'
import type { Storage } from '../../../src/runtime/storage/storage.ts'
import { CHILD_OWNER } from './level-child.ts'

const made: string[] = []
const open: Storage[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((storage) => storage.close()))
  await Promise.all(made.splice(0).map((directory) => rm(directory, { recursive: true, force: true })))
})

/** A directory of the test's own, empty. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'quorate-storage-'))
  made.push(directory)
  return directory
}

let identities = 0

/** Opens a storage that is closed after the test, if the test has not closed it. */
export async function openIn(directory: string, options: Partial<LevelStorageOptions> = {}): Promise<Storage> {
  const randomIdentity = (): number => ++identities
  const storage = await openLevelStorage({ directory, ...CHILD_OWNER, randomIdentity, ...options })
  open.push(storage)
  return storage
}

/** The database itself, behind the storage's back. */
export async function withDatabase(
  directory: string,
  work: (database: ClassicLevel<Buffer, Buffer>) => Promise<void>,
): Promise<void> {
  const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
  const database = new ClassicLevel<Buffer, Buffer>(directory, { ...encodings, compression: false })
  try {
    await work(database)
  } finally {
    await database.close()
  }
}
