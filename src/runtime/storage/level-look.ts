/**
 * A look of an exchange on disk, where records lie by key and not by place.
 *
 * One walk over the keys of the keyspaces, however many ranges the look has, and then the records that it is about. The
 * walk reads no values, goes in pages in the background, and other work goes on between them. It takes some two
 * seconds for a million keys, and what it has met of the partitions around those ranges serves the looks that follow: an
 * exchange makes one for each hundred thousand keys on each side.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecordWrite, StoredRecord } from '../../core/record.ts'
import { Gathering, indexOver, rangesOf } from '../../core/repair/gather.ts'
import { placeOf, type KeyName } from '../../core/repair/digest-tree.ts'
import { recordSizeBytes } from '../../core/repair/exchange-message.ts'
import { lookIn, type Found, type Look } from '../../core/repair/record-index.ts'
import type { Database } from './level-directory.ts'
import { keyOf, upperBound } from './level-format.ts'
import type { Listings } from './listings.ts'
import type { Staged } from './level-scan.ts'
import { Neighbours } from './neighbours.ts'
import type { LookRange } from './storage.ts'

export interface LookSources {
  readonly database: Database
  /** For each keyspace of the look, the bytes before its keys, and the changes that are not known to be durable. */
  readonly keyspaces: readonly {
    readonly keyspace: number
    readonly prefix: Buffer
    readonly staged: readonly Staged[]
  }[]
  readonly listings: Listings
  /** Records of keys, in their order; `undefined` for those that are gone, or damaged. */
  readonly load: (names: readonly KeyName[]) => Promise<readonly (StoredRecord | undefined)[]>
}

const PAGE_KEYS = 512
/** Records that are held at once beside those that the answer takes. */
const LOAD_RECORDS = 64

export async function lookThroughLevel(range: LookRange, sources: LookSources): Promise<Found> {
  const { look } = range
  const known = sources.listings.gather(range)
  if (known !== undefined) return findIn(known, look, sources)
  const { listings } = sources
  const written = listings.begin()
  try {
    const { gathering, neighbours } = await walk(look, sources)
    const names = gathering.names()
    const found = await findIn(gathering, look, sources)
    const ranges = found.kind === 'digests' ? found.lists : []
    listings.keep(range, { ranges, names, partitions: neighbours.partitions() }, written)
    return found
  } finally {
    listings.end(written)
  }
}

async function findIn(gathering: Gathering, look: Look, sources: LookSources): Promise<Found> {
  return gathering.bound(lookIn(indexOver(await loadAll(look, gathering.names(), sources)), look))
}

async function walk(
  look: Look,
  { database, keyspaces }: LookSources,
): Promise<{ readonly gathering: Gathering; readonly neighbours: Neighbours }> {
  const gathering = new Gathering(look)
  const neighbours = new Neighbours(rangesOf(look).map(({ partition }) => partition))
  const offer = (keyspace: number, key: string): void => {
    const placed = { keyspace, key, ...placeOf({ keyspace, key }) }
    gathering.offer(placed, placed)
    neighbours.offer(placed)
  }
  for (const { keyspace, prefix, staged } of keyspaces) {
    const onItsWay = new Set(staged.map(({ key }) => key))
    for (const { key, record } of staged) if (record !== undefined) offer(keyspace, key)
    const keys = database.keys({ gte: prefix, lt: upperBound(prefix, '') })
    try {
      for (let page = await keys.nextv(PAGE_KEYS); page.length > 0; page = await keys.nextv(PAGE_KEYS)) {
        for (const bytes of page) {
          const key = keyOf(bytes)
          if (!onItsWay.has(key)) offer(keyspace, key)
        }
        await nextTurn()
      }
    } finally {
      await keys.close()
    }
  }
  return { gathering, neighbours }
}

/** Of a look for digests the values are not kept; of one for records no more than it has room for. */
async function loadAll(look: Look, names: readonly KeyName[], { load }: LookSources): Promise<readonly RecordWrite[]> {
  const records: RecordWrite[] = []
  let skip = look.kind === 'records' ? look.skip : 0
  let sizeBytes = 0
  for (let at = 0; at < names.length; at += LOAD_RECORDS) {
    const some = names.slice(at, at + LOAD_RECORDS)
    const loaded = await load(some)
    for (const [i, record] of loaded.entries()) {
      if (record === undefined) continue
      const { keyspace, key } = some[i] as KeyName
      records.push({ keyspace, key, record: look.kind === 'digests' ? withoutValues(record) : record })
      if (skip-- <= 0 && look.kind === 'records') sizeBytes += recordSizeBytes({ keyspace, key, record })
    }
    if (look.kind === 'records' && sizeBytes > look.sizeBytesMax) break
  }
  return records
}

/** Digests do not depend on values. */
function withoutValues(record: StoredRecord): StoredRecord {
  if (record.kind === 'lww') return { ...record, value: null }
  if (record.kind === 'register') return { ...record, state: { ...record.state, value: null } }
  return { ...record, siblings: record.siblings.map((sibling) => ({ ...sibling, value: null })) }
}
