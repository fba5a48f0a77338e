/**
 * Records on disk, in LevelDB: what a replica keeps when its process ends.
 *
 * A change is visible as soon as it is staged, in a table of decoded records, and stays there at least until its batch is
 * durable; what is not in it is read from disk, and its checksum is looked at. A read that misses the table blocks the
 * process for as long as the disk takes, so give it the size of what is hot.
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
import { Listings } from './listings.ts'
import { scanLevel, type Staged } from './level-scan.ts'
import { RecordCopier } from './record-copier.ts'
import { RecordTable, type Known, type KnownKeys } from './record-table.ts'
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
  readonly known: KnownKeys
}

class LevelStorage implements Storage {
  readonly identity: StorageIdentity
  readonly durable = true
  readonly #database: Database
  readonly #space: FreeSpace
  readonly #table: RecordTable
  readonly #listings = new Listings()
  readonly #keyspaces = new Map<number, Keyspace>()
  /** Asked for last: mostly the next call asks for the same. */
  #lastId = -1
  #last: Keyspace | undefined
  readonly #writer = new RecordWriter()
  readonly #copier = new RecordCopier()
  readonly #commits: GroupCommit<Known>
  #own: readonly RecordWrite[] = []
  #touchedStaged = false
  #closing: Promise<void> | undefined

  constructor({ database, identity, space, cacheBytesMax }: Parts) {
    this.#database = database
    this.identity = identity
    this.#space = space
    const table = new RecordTable(cacheBytesMax)
    this.#table = table
    this.#commits = new GroupCommit({ begin: () => database.batch(), durable: (changes) => table.settled(changes) })
  }

  get full(): boolean {
    return this.#space.low
  }

  get touchedStaged(): boolean {
    return this.#touchedStaged
  }

  read(keyspace: number, key: string): StoredRecord | undefined {
    const { prefix, known } = this.#keyspace(keyspace)
    const there = this.#table.get(known, key)
    this.#touchedStaged = there !== undefined && there.waiting > 0
    if (there !== undefined) return there.record
    const record = this.#readDisk({ keyspace, prefix, key })
    this.#table.found(known, key, record)
    return record
  }

  stage(change: RecordChange): void {
    this.#assertOpen()
    const keyspace = this.#keyspace(change.keyspace)
    const { key, record } = change
    this.#listings.note(change)
    if (record === undefined) this.#erase(keyspace, key)
    else this.#put(keyspace, key, record)
  }

  commit(done: (error?: Error) => void): void {
    this.#assertOpen()
    this.#commits.commit(done)
  }

  async scan(range: ScanRange): Promise<ScanResult> {
    this.#assertOpen()
    const { prefix } = this.#keyspace(range.keyspace)
    try {
      return await scanLevel(range, {
        database: this.#database,
        prefix,
        staged: this.#staged(range.keyspace),
        decode: (key, row) => decode({ keyspace: range.keyspace, key }, row),
      })
    } catch (error) {
      this.#assertOpen()
      throw error instanceof QuorateError ? error : refuse(`a scan failed: ${(error as Error).message}`, error)
    }
  }

  async look(range: LookRange): Promise<Found> {
    this.#assertOpen()
    const keyspaces = range.keyspaces.map((id) => {
      return { keyspace: id, prefix: this.#keyspace(id).prefix, staged: this.#staged(id) }
    })
    try {
      const load = (names: readonly KeyName[]): Promise<readonly (StoredRecord | undefined)[]> => this.#load(names)
      return await lookThroughLevel(range, { database: this.#database, keyspaces, listings: this.#listings, load })
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

  #put({ prefix, known }: Keyspace, key: string, record: StoredRecord): void {
    const writer = this.#writer
    writer.write(prefix, key, record)
    const change = this.#table.stage(known, key, this.#copier.copy(record))
    change.diskBytes = sizeOnDisk(writer.key, writer.value)
    this.#commits.put(writer.key, writer.value, change)
  }

  #erase({ prefix, known }: Keyspace, key: string): void {
    this.#commits.erase(diskKey(prefix, key), this.#table.stage(known, key, undefined))
  }

  /** What is on its way to the disk, as it is now. */
  #staged(id: number): Staged[] {
    const { known } = this.#keyspace(id)
    const changes = new Set(this.#commits.items)
    return [...changes].flatMap(({ among, key, record, diskBytes }) => {
      return among === known ? [{ key, record, sizeBytes: record === undefined ? 0 : diskBytes }] : []
    })
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

  /** Records of keys, from the disk in the background. The table keeps what clients have read. */
  async #load(names: readonly KeyName[]): Promise<readonly (StoredRecord | undefined)[]> {
    const rows = await this.#database.getMany(
      names.map(({ keyspace, key }) => diskKey(this.#keyspace(keyspace).prefix, key)),
    )
    return names.map(({ keyspace, key }, i) => {
      const { prefix, known } = this.#keyspace(keyspace)
      const there = known.get(key)
      if (there !== undefined) return there.record
      const row = rows[i]
      try {
        return row === undefined ? undefined : decode({ keyspace, key }, [diskKey(prefix, key), row])
      } catch {
        return undefined
      }
    })
  }

  #keyspace(id: number): Keyspace {
    if (id === this.#lastId && this.#last !== undefined) return this.#last
    let keyspace = this.#keyspaces.get(id)
    if (keyspace === undefined) {
      keyspace = { prefix: keyspacePrefix(id), known: new Map() }
      this.#keyspaces.set(id, keyspace)
    }
    this.#lastId = id
    return (this.#last = keyspace)
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
