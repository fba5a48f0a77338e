/**
 * What the disk takes to make one write durable, through the same database that durable replicas use.
 */
import { ClassicLevel } from 'classic-level'
import path from 'node:path'
import { removeDirectory, temporaryDirectory } from './cluster.ts'
import { oneByOne } from './load.ts'
import type { Latencies } from './latency-recorder.ts'
import { keyAt, VALUE } from './cells.ts'

/** LevelDB's batches, whose option `sync` its types leave out. */
interface SyncedBatches {
  batch(
    operations: { readonly type: 'put'; readonly key: string; readonly value: string }[],
    options: { readonly sync: true },
  ): Promise<void>
}

export interface SyncedDisk {
  /**
   * One record per synced batch, one batch after the other; or three at once into databases of their own, until two
   * are done, as three replicas on one disk need.
   */
  measure(options: { readonly databases: 1 | 3; readonly forMs: number }): Promise<Latencies>
  close(): Promise<void>
}

export async function openSyncedDisk(): Promise<SyncedDisk> {
  const directory = await temporaryDirectory()
  const levels = ['a', 'b', 'c'].map((name) => new ClassicLevel(path.join(directory, name)))
  await Promise.all(levels.map((level) => level.open()))
  return {
    measure: ({ databases, forMs }) => {
      const used = levels.slice(0, databases)
      return oneByOne((_, turn) => writeAll(used, keyAt(turn)), { forMs, warm: 5 })
    },
    close: async () => {
      await Promise.all(levels.map((level) => level.close()))
      await removeDirectory(directory)
    },
  }
}

/** Ends when most of the databases have the record on disk. */
function writeAll(databases: readonly SyncedBatches[], key: string): Promise<void> {
  const required = Math.floor(databases.length / 2) + 1
  let done = 0
  return new Promise((resolve, reject) => {
    const write = async (database: SyncedBatches): Promise<void> => {
      await database.batch([{ type: 'put', key, value: VALUE }], { sync: true })
      if (++done === required) resolve()
    }
    for (const database of databases) write(database).catch(reject)
  })
}
