/**
 * Records on disk, in LevelDB: what a replica keeps when its process ends.
 *
 * A change is visible as soon as it is staged, from a table of records and erasures on their way to the disk; once its
 * batch is durable it moves to a cache of decoded records; what is in neither is read from disk, and its checksum is
 * looked at. A read that misses both blocks the process for as long as the disk takes, so give the cache the size of
 * what is hot.
 *
 * The caller's duty: one storage per directory; stop at the first commit that fails; refuse clients' writes while
 * `full` is true.
 */
import { QuorateError } from '../../core/base/errors.ts'
import type { RecordChange, RecordWrite, StoredRecord } from '../../core/record.ts'
import type { KeyName } from '../../core/repair/digest-tree.ts'
import type { Found } from '../../core/repair/record-index.ts'
import { FreeSpace } from './free-space.ts'
import { GroupCommit } from './group-commit.ts'
import { openDirectory, refuse, type Database, type DirectoryOptions } from './level-directory.ts'
import { diskKey, keyspacePrefix, openRecord, RecordWriter, sizeOnDisk } from './level-format.ts'
import { lookThroughLevel } from './level-look.ts'
import { scanLevel, type Staged } from './level-scan.ts'
import { RecordCache } from './record-cache.ts'
import { RecordCopier } from './record-copier.ts'
import type { LookRange, ScanRange, ScanResult, Storage, StorageIdentity } from './storage.ts'

export interface LevelStorageOptions extends DirectoryOptions {
  /** How much memory decoded records may take. 64 MiB by default. */
  readonly cacheBytesMax?: number
  /**
   * With less free space than this the storage calls itself full. 64 MiB by default.
   *
   * It has to cover what is in flight and what LevelDB writes while it compacts, so several times its write buffer of
   * 8 MiB.
   */
  readonly reserveBytes?: number
}

const MEBIBYTE = 1024 * 1024

/** Opens the data directory, or makes a new one. Throws `QUORATE_STORAGE` when it is not this replica's to use. */
export async function openLevelStorage(options: LevelStorageOptions): Promise<Storage> {
  const { database, identity } = await openDirectory(options)
  const { directory, cacheBytesMax = 64 * MEBIBYTE, reserveBytes = 64 * MEBIBYTE } = options
  const space = new FreeSpace({ directory, reserveBytes })
  const storage = new LevelStorage({ database, identity, space, cacheBytesMax })
  try {
    await storage.readOwn()
    return storage
  } catch (error) {
    await storage.close()
    throw error
  }
}

interface Parts {
  readonly database: Database
  readonly identity: StorageIdentity
  readonly space: FreeSpace
  readonly cacheBytesMax: number
}

/** What is kept for each keyspace in use. */
interface Keyspace {
  readonly prefix: Buffer
  /** Before a key, it makes the key's name in the cache. */
  readonly tag: string
  readonly staged: Map<string, StagedIn>
}

interface StagedIn extends Staged {
  readonly keyspace: Keyspace
}

class LevelStorage implements Storage {
  readonly identity: StorageIdentity
  readonly durable = true
  readonly #database: Database
  readonly #space: FreeSpace
  readonly #cache: RecordCache
  readonly #keyspaces = new Map<number, Keyspace>()
  readonly #writer = new RecordWriter()
  readonly #copier = new RecordCopier()
  readonly #commits: GroupCommit<StagedIn>
  #own: readonly RecordWrite[] = []
  #touchedStaged = false
  #closing: Promise<void> | undefined

  constructor({ database, identity, space, cacheBytesMax }: Parts) {
    this.#database = database
    this.identity = identity
    this.#space = space
    this.#cache = new RecordCache(cacheBytesMax)
    this.#commits = new GroupCommit({ begin: () => database.batch(), durable: (items) => this.#settle(items) })
  }

  get full(): boolean {
    return this.#space.low
  }

  get touchedStaged(): boolean {
    return this.#touchedStaged
  }

  read(keyspace: number, key: string): StoredRecord | undefined {
    const { prefix, tag, staged } = this.#keyspace(keyspace)
    const waiting = staged.get(key)
    this.#touchedStaged = waiting !== undefined
    if (waiting !== undefined) return waiting.record
    const name = tag + key
    const cached = this.#cache.get(name)
    if (cached !== undefined) return cached ?? undefined
    const record = this.#readDisk({ keyspace, prefix, key })
    this.#cache.set(name, record)
    return record
  }

  stage(change: RecordChange): void {
    this.#assertOpen()
    const keyspace = this.#keyspace(change.keyspace)
    const { key, record } = change
    keyspace.staged.set(key, record === undefined ? this.#erase(keyspace, key) : this.#put(keyspace, key, record))
  }

  commit(done: (error?: Error) => void): void {
    this.#assertOpen()
    this.#commits.commit(done)
  }

  async scan(range: ScanRange): Promise<ScanResult> {
    this.#assertOpen()
    const { prefix, staged } = this.#keyspace(range.keyspace)
    try {
      return await scanLevel(range, {
        database: this.#database,
        prefix,
        staged: staged.values(),
        decode: (key, row) => decode({ keyspace: range.keyspace, key }, row),
      })
    } catch (error) {
      this.#assertOpen()
      throw error instanceof QuorateError ? error : refuse(`a scan failed: ${(error as Error).message}`, error)
    }
  }

  async look({ look, keyspaces }: LookRange): Promise<Found> {
    this.#assertOpen()
    const sources = keyspaces.map((id) => {
      const { prefix, staged } = this.#keyspace(id)
      return { keyspace: id, prefix, staged: [...staged.values()] }
    })
    try {
      const load = (names: readonly KeyName[]): Promise<readonly (StoredRecord | undefined)[]> => this.#load(names)
      return await lookThroughLevel(look, { database: this.#database, keyspaces: sources, load })
    } catch (error) {
      this.#assertOpen()
      throw error instanceof QuorateError ? error : refuse(`a look failed: ${(error as Error).message}`, error)
    }
  }

  own(): readonly RecordWrite[] {
    return this.#own
  }

  /** Part of opening: fills `own`. */
  async readOwn(): Promise<void> {
    const range = { keyspace: 0, prefix: '', after: '', limit: Infinity, sizeBytesMax: Infinity }
    this.#own = (await this.scan(range)).entries
  }

  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => this.#commits.commit(() => resolve())).then(() =>
      this.#database.close(),
    )
    return this.#closing
  }

  #put(keyspace: Keyspace, key: string, record: StoredRecord): StagedIn {
    const writer = this.#writer
    writer.write(keyspace.prefix, key, record)
    const sizeBytes = sizeOnDisk(writer.key, writer.value)
    const item = { keyspace, key, record: this.#copier.copy(record), sizeBytes }
    this.#commits.put(writer.key, writer.value, item)
    return item
  }

  #erase(keyspace: Keyspace, key: string): StagedIn {
    const item = { keyspace, key, record: undefined, sizeBytes: 0 }
    this.#commits.erase(diskKey(keyspace.prefix, key), item)
    return item
  }

  /** Changes of a durable batch are no longer on their way, unless a later one took their place. */
  #settle(items: readonly StagedIn[]): void {
    for (const item of items) {
      const { staged, tag } = item.keyspace
      if (staged.get(item.key) !== item) continue
      staged.delete(item.key)
      this.#cache.set(tag + item.key, item.record)
    }
  }

  #readDisk(place: {
    readonly keyspace: number
    readonly prefix: Buffer
    readonly key: string
  }): StoredRecord | undefined {
    this.#assertOpen()
    const key = diskKey(place.prefix, place.key)
    let value: Buffer | undefined
    try {
      value = this.#database.getSync(key)
    } catch (error) {
      throw refuse(`the record of ${nameOf(place)} cannot be read: ${(error as Error).message}`, error)
    }
    return value === undefined ? undefined : decode(place, [key, value])
  }

  /** Records of keys, from the disk in the background. The cache keeps what clients have read. */
  async #load(names: readonly KeyName[]): Promise<readonly (StoredRecord | undefined)[]> {
    const rows = await this.#database.getMany(
      names.map(({ keyspace, key }) => diskKey(this.#keyspace(keyspace).prefix, key)),
    )
    return names.map(({ keyspace, key }, i) => {
      const { prefix, tag, staged } = this.#keyspace(keyspace)
      const waiting = staged.get(key)
      if (waiting !== undefined) return waiting.record
      const cached = this.#cache.get(tag + key)
      if (cached !== undefined) return cached ?? undefined
      const row = rows[i]
      try {
        return row === undefined ? undefined : decode({ keyspace, key }, [diskKey(prefix, key), row])
      } catch {
        return undefined
      }
    })
  }

  #keyspace(id: number): Keyspace {
    let keyspace = this.#keyspaces.get(id)
    if (keyspace === undefined) {
      keyspace = { prefix: keyspacePrefix(id), tag: `${this.#keyspaces.size.toString(36)}:`, staged: new Map() }
      this.#keyspaces.set(id, keyspace)
    }
    return keyspace
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new QuorateError('QUORATE_CLOSED', 'the storage is closed')
  }
}

/** What is damaged is named, so that whoever reads the line knows which key the other replicas have to restore. */
function decode(
  place: { readonly keyspace: number; readonly key: string },
  row: readonly [Buffer, Buffer],
): StoredRecord {
  try {
    return openRecord(row[0], row[1])
  } catch (error) {
    throw refuse(`the record of ${nameOf(place)} is damaged on disk: ${(error as Error).message}`, error)
  }
}

function nameOf({ keyspace, key }: { readonly keyspace: number; readonly key: string }): string {
  return `key ${JSON.stringify(key)} in keyspace ${keyspace.toString(16)}`
}
