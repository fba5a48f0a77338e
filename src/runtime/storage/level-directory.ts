/**
 * Opening a data directory: whose it is, whether it may be used, and what to do when it may not.
 *
 * A replica that forgets what it promised breaks every quorum it was part of. So a directory that is somebody else's,
 * incomplete or damaged is refused before anything in it changes, and only an empty one becomes a new incarnation. The
 * way back from any refusal is the same: move the directory away, and the replica starts empty and as somebody new,
 * and the others bring it up to date.
 */
import { constants } from 'node:fs'
import { access, mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { QuorateError } from '../../core/base/errors.ts'
import { invariant } from '../../core/base/invariant.ts'
import { Malformed } from '../codec/bytes.ts'
import { checkFiles } from './level-check.ts'
import { FORMAT, META_KEY, metaValue, openMeta, type Meta } from './level-format.ts'
import type { StorageIdentity } from './storage.ts'

export type Database = ClassicLevel<Buffer, Buffer>

export interface DirectoryOptions {
  readonly directory: string
  readonly clusterId: string
  readonly replicaId: string
  /** A number from 1 to 2^52 - 1 that no other call has given. */
  readonly randomIdentity: () => number
  /**
   * Whether all table files are read through and their checksums looked at before the storage opens. Yes by default.
   *
   * It takes some two seconds for each gigabyte. Without it a damaged file may hide records, so that dots are minted
   * twice, or end the process when it is read.
   */
  readonly checkTables?: boolean
}

/** What LevelDB leaves behind when it is stopped before it has made a database; `lost+found` is the file system's. */
const BEFORE_FIRST_WRITE = /^(CURRENT|LOCK|LOG|LOG\.old|MANIFEST-000001|000001\.dbtmp|lost\+found)$/

/** Writes collect in memory up to this size, twice over, and a start after a crash reads as much again. */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024

const START_OVER =
  'Move it away: the replica then starts empty and as somebody new, and the others bring it up to date. ' +
  'An older copy of it must not take its place: it would not know what this replica has promised since.'

/** Opens the database and makes sure that it is this replica's. */
export async function openDirectory(
  options: DirectoryOptions,
): Promise<{ readonly database: Database; readonly identity: StorageIdentity }> {
  const { directory } = options
  await prepare(directory)
  const fresh = await isFresh(directory)
  const database = await open(directory, { fresh, tables: options.checkTables ?? true })
  try {
    return { database, identity: await identify(database, options) }
  } catch (error) {
    await database.close()
    throw error instanceof QuorateError ? error : refuse(whyNotOpen(directory, error), error)
  }
}

export function refuse(message: string, cause?: unknown): QuorateError {
  return new QuorateError('QUORATE_STORAGE', message, { cause })
}

/** Makes sure that there is a directory and that this process may work in it. */
async function prepare(directory: string): Promise<void> {
  try {
    await makeDirectory(resolve(directory))
    if (!(await stat(directory)).isDirectory()) throw refuse(`${directory} is not a directory. Name one for the data.`)
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw error instanceof QuorateError ? error : refuse(unusable(directory, error), error)
  }
}

/** Makes a directory and what is missing above it. Node's own way of doing so never returns under `/proc`. */
async function makeDirectory(directory: string): Promise<void> {
  const failure = await mkdirUnlessThere(directory)
  if (failure === undefined) return
  if (failure.code !== 'ENOENT' || dirname(directory) === directory) throw failure
  await makeDirectory(dirname(directory))
  const again = await mkdirUnlessThere(directory)
  if (again !== undefined) throw again
}

async function mkdirUnlessThere(directory: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(directory)
    return undefined
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    return failure.code === 'EEXIST' ? undefined : failure
  }
}

function unusable(directory: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return `${directory} is not a directory, or lies under something that is none. Name one for the data.`
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `This process has no right to write in the data directory ${directory}. Change its owner, or name another.`
    default:
      return `The data directory ${directory} cannot be used (${message}). Name another.`
  }
}

/** Whether nothing was ever stored here. Refuses what is neither empty nor a whole database. */
async function isFresh(directory: string): Promise<boolean> {
  const names = await readdir(directory)
  if (names.every((name) => BEFORE_FIRST_WRITE.test(name))) return true
  if (!names.includes('CURRENT')) {
    const others = names.filter((name) => !BEFORE_FIRST_WRITE.test(name)).slice(0, 3)
    throw refuse(
      `The data directory ${directory} is not empty and holds no whole database (${others.join(', ')}). ` +
        'Name an empty directory for the data; if this one held a replica, a part of it is missing. ' +
        START_OVER,
    )
  }
  return false
}

async function open(
  directory: string,
  { fresh, tables }: { readonly fresh: boolean; readonly tables: boolean },
): Promise<Database> {
  try {
    if (!fresh) await checkFiles(directory, { tables })
    // Made only now: a database opens itself as soon as it is made.
    const database: Database = new ClassicLevel(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      createIfMissing: fresh,
      // Whoever wants smaller values compresses them once, before three replicas send and store them. Left as they
      // are, records are read without a detour and a flipped bit harms one of them instead of a block.
      compression: false,
      writeBufferSize: WRITE_BUFFER_BYTES,
    })
    await database.open()
    return database
  } catch (error) {
    throw refuse(whyNotOpen(directory, error), error)
  }
}

function damaged(directory: string, damage: string): string {
  return `The data directory ${directory} is damaged: ${damage}. ${START_OVER}`
}

function whyNotOpen(directory: string, error: unknown): string {
  if (error instanceof Malformed) return damaged(directory, error.message)
  const cause = (error as Error).cause instanceof Error ? ((error as Error).cause as Error) : (error as Error)
  if ((cause as NodeJS.ErrnoException).code === 'LEVEL_LOCKED') {
    return `The data directory ${directory} is in use by another process. Stop it, or name another directory.`
  }
  if (cause.message.startsWith('Corruption')) return damaged(directory, cause.message)
  // A full disk or too many open files: nothing is wrong with the data.
  return `The data directory ${directory} cannot be opened (${cause.message}). Remove the cause and start again.`
}

/** Reads who the data belongs to; writes it where there is none yet. */
async function identify(database: Database, options: DirectoryOptions): Promise<StorageIdentity> {
  const { directory, clusterId, replicaId } = options
  const value = database.getSync(META_KEY)
  if (value === undefined) {
    const first = await database.keys({ limit: 1 }).all()
    if (first.length > 0) {
      throw refuse(`The data directory ${directory} holds a LevelDB database that is not quorate's. Name another.`)
    }
    const incarnation = options.randomIdentity()
    invariant(
      Number.isSafeInteger(incarnation) && incarnation >= 1 && incarnation < 2 ** 52,
      'an incarnation is an actor',
    )
    const meta: Meta = { format: FORMAT, clusterId, replicaId, incarnation }
    await database.batch([{ type: 'put', key: META_KEY, value: metaValue(meta) }], { sync: true })
    return { clusterId, replicaId, incarnation: meta.incarnation }
  }
  const meta = readMeta(value, directory)
  if (meta.format !== FORMAT) {
    throw refuse(
      `The data directory ${directory} is in format ${meta.format}; this version reads format ${FORMAT}. ` +
        'Use the version that wrote it, or name another directory.',
    )
  }
  if (meta.clusterId !== clusterId || meta.replicaId !== replicaId) {
    throw refuse(
      `The data directory ${directory} belongs to replica "${meta.replicaId}" of cluster "${meta.clusterId}", ` +
        `not to "${replicaId}" of "${clusterId}". Name this replica's own directory, or an empty one.`,
    )
  }
  return { clusterId, replicaId, incarnation: meta.incarnation }
}

function readMeta(value: Buffer, directory: string): Meta {
  try {
    return openMeta(value)
  } catch (error) {
    throw refuse(damaged(directory, 'its identity cannot be read'), error)
  }
}
