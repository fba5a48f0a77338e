/**
 * A process with a storage of its own, for what one process cannot show: locks, crashes, and a disk that refuses.
 *
 * Started by the tests as `node level-child.ts <role> <directory>`. It says what it did line by line on its output.
 */
import { fileURLToPath } from 'node:url'
import { openLevelStorage } from '../../../src/runtime/storage/level-storage.ts'
import type { Storage } from '../../../src/runtime/storage/storage.ts'
import type { StoredRecord } from '../../../src/core/record.ts'

export const CHILD_PATH: string = fileURLToPath(import.meta.url)
export const CHILD_KEYSPACE = 12_345
export const CHILD_OWNER = { clusterId: 'cluster', replicaId: 'replica' }

const WRITERS = 20
const KEYS = 500

/** What write number `count` puts, always under the key `k<count mod KEYS>`. */
export function childRecord(count: number): StoredRecord {
  return { kind: 'lww', op: count + 1, at: count, value: Buffer.alloc(200 + (count % 300), `${count}.`) }
}

export function childKey(count: number): string {
  return `k${count % KEYS}`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Writes for ever, and says each write's number once its commit has called back. */
function write(storage: Storage, first: number): void {
  let count = first
  const next = (): void => {
    const own = count++
    storage.stage({ keyspace: CHILD_KEYSPACE, key: childKey(own), record: childRecord(own) })
    storage.commit((error) => {
      if (error === undefined) {
        say(String(own))
        setImmediate(next)
      } else void failed(storage, error)
    })
  }
  for (let i = 0; i < WRITERS; i++) next()
}

let failures = 0

/** What is left of a storage after its disk has refused; said once, by the last of the writers. */
async function failed(storage: Storage, error: Error): Promise<void> {
  if (++failures < WRITERS) return
  say(`commit ${codeOf(error)} ${error.message}`)
  const record = childRecord(1)
  try {
    storage.stage({ keyspace: CHILD_KEYSPACE, key: 'late', record })
  } catch (late) {
    say(`stage ${codeOf(late)}`)
  }
  storage.commit((late) => say(`commit ${codeOf(late)}`))
  await storage.close()
  say('closed')
}

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | undefined)?.code)
}

async function main([role, directory = '', first = '0']: readonly string[]): Promise<void> {
  // A file larger than the limit of the shell then fails the write instead of ending the process.
  process.on('SIGXFSZ', () => {})
  const storage = await openLevelStorage({ directory, ...CHILD_OWNER, randomIdentity: () => 99 })
  say('open')
  if (role === 'hold') setInterval(() => {}, 1000)
  else write(storage, Number(first))
}

if (process.argv[1] === CHILD_PATH) await main(process.argv.slice(2))
