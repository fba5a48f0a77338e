/**
 * Records in memory, and the table in which answers find their calls.
 */
import { RoundTrips } from '../../src/core/operation/round-trips.ts'
import { MemoryStorage } from '../../src/runtime/storage/memory-storage.ts'
import { AT, BY, LWW, OP, SETTLED, VALUE, type Task } from './tasks.ts'

const KEYS = 10_000
const KEYSPACE = 7
const storage = new MemoryStorage({ identity: { clusterId: 'c', replicaId: 'r', incarnation: 1 } })
const names = Array.from({ length: KEYS }, (_, index) => `key-${String(index).padStart(8, '0')}`)
/** A prime: neighbouring calls ask for keys far apart. */
const STRIDE = 7_919
let turn = 0
const nextKey = (): string => names[(turn++ * STRIDE) % KEYS] as string

for (const key of names) storage.stage({ keyspace: KEYSPACE, key, record: LWW })
for (const key of names) storage.stage({ keyspace: KEYSPACE + 1, key, record: SETTLED })

const trips = new RoundTrips(3)
const LIST = { replicas: [0, 1, 2] }
let id = 0

export const storageTasks: readonly Task[] = [
  { name: 'read lww, of 10,000 keys', run: () => storage.read(KEYSPACE, nextKey()) },
  { name: 'read the stamp of lww', run: () => storage.readStamp(KEYSPACE, nextKey()) },
  { name: 'read siblings', run: () => storage.read(KEYSPACE + 1, nextKey()) },
  {
    name: 'write lww',
    run: () =>
      storage.stage({
        keyspace: KEYSPACE,
        key: nextKey(),
        record: { kind: 'lww', op: OP, at: AT + turn, by: BY, value: VALUE },
      }),
  },
  {
    name: 'measure the round trips of a call and its three answers',
    run: () => {
      trips.began({ id: ++id, list: LIST, asked: 0b111 }, id)
      for (const replica of LIST.replicas) trips.answered({ kind: 'written', id, round: 0 }, replica, id + 1)
    },
  },
]
