/**
 * A look of an exchange on disk, where records lie by key and not by place.
 *
 * One walk over the keys of the keyspaces, however many ranges the look has, and then the records that it is about. The
 * walk reads no values, goes in pages in the background, and other work goes on between them. It takes some two
 * seconds for a million keys; an exchange makes one on each side for each list of differences, some thousand at a time.
 * The trades that follow find the names that the list has met.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecordWrite, StoredRecord } from '../../core/record.ts'
import { Gathering, indexOver } from '../../core/repair/gather.ts'
import type { KeyName } from '../../core/repair/digest-tree.ts'
import { recordSizeBytes } from '../../core/repair/exchange-message.ts'
import { lookIn, type Found, type Look } from '../../core/repair/record-index.ts'
import type { Database } from './level-directory.ts'
import type { Listings } from './listings.ts'
import { keyOf, upperBound } from './level-format.ts'
import type { Staged } from './level-scan.ts'
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
  const { listings } = sources
  const known = listings.namesFor(range)
  if (known !== undefined) return lookIn(indexOver(await loadAll(look, known, sources)), look)
  const since = listings.begin()
  try {
    const gathering = await walk(look, sources)
    const names = gathering.names()
    const records = await loadAll(look, names, sources)
    const found = gathering.bound(lookIn(indexOver(records), look))
    listings.keep(range, found, names, since)
    return found
  } finally {
    listings.end()
  }
}

async function walk(look: Look, { database, keyspaces }: LookSources): Promise<Gathering> {
  const gathering = new Gathering(look)
  for (const { keyspace, prefix, staged } of keyspaces) {
    const onItsWay = new Set(staged.map(({ key }) => key))
    for (const { key, record } of staged) if (record !== undefined) gathering.offer({ keyspace, key })
    const keys = database.keys({ gte: prefix, lt: upperBound(prefix, '') })
    try {
      for (let page = await keys.nextv(PAGE_KEYS); page.length > 0; page = await keys.nextv(PAGE_KEYS)) {
        for (const bytes of page) {
          const key = keyOf(bytes)
          if (!onItsWay.has(key)) gathering.offer({ keyspace, key })
        }
        await nextTurn()
      }
    } finally {
      await keys.close()
    }
  }
  return gathering
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
