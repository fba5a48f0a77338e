/**
 * A nightly job under a lock, and a holder that sleeps through the end of its lease (Kleppmann, "How to do distributed
 * locking", 2016): token 42 is refused once 43 has been seen.
 *
 * The two workers are real processes, and the first is really stopped, with SIGSTOP, between taking the lock and writing.
 * Run it: `node --import tsx examples/nightly-job/main.ts`
 */
import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { connect, FenceGate, MemoryFences, startLocalCluster } from '../../src/index.ts'
import { codeOf, tell } from '../story.ts'

const LEASE_MS = 600
const NIGHTS = 41

/** What a worker tells: that it holds the lock, and then what it writes. */
interface Said {
  readonly kind: 'holds' | 'writes'
  readonly token: number
}

if (process.argv[2] === 'worker') await work(JSON.parse(process.argv[3] ?? '{}') as Record<string, string>)
else await story()

/** Holds the lock, waits to be told to write, and writes without looking at the clock again: a careless worker. */
async function work(replicas: Readonly<Record<string, string>>): Promise<void> {
  const client = await connect({ replicas, heartbeatMs: 200 })
  const send = (line: Said): unknown => process.send?.(line)
  const job = client.withLock(
    'nightly',
    async ({ token }) => {
      send({ kind: 'holds', token })
      await new Promise((resolve) => process.once('message', resolve))
      send({ kind: 'writes', token })
    },
    { leaseMs: LEASE_MS, timeoutMs: 60_000 },
  )
  // The one that slept is told that it had lost the lock: too late for what it wrote.
  await job.catch(codeOf)
  await client.close()
  process.disconnect()
}

function startWorker(urls: Readonly<Record<string, string>>): ChildProcess {
  return fork(fileURLToPath(import.meta.url), ['worker', JSON.stringify(urls)])
}

function said(worker: ChildProcess, kind: Said['kind']): Promise<number> {
  return new Promise((resolve) => {
    worker.on('message', (message: Said) => message.kind === kind && resolve(message.token))
  })
}

async function story(): Promise<void> {
  const cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 200 })
  for (let night = 0; night < NIGHTS; night++) await cluster.store.withLock('nightly', () => undefined)
  tell(`${NIGHTS} nights went well`)

  const gate = new FenceGate(new MemoryFences())
  const report: string[] = []
  const write = (worker: string, token: number): string => {
    try {
      gate.check('report', token)
    } catch (error) {
      return codeOf(error)
    }
    report.push(`${worker} ${token}`)
    return 'written'
  }

  const sleepy = startWorker(cluster.urls)
  const old = await said(sleepy, 'holds')
  sleepy.kill('SIGSTOP')
  tell(`the first worker holds the lock with token ${old}, and falls asleep before it writes`)

  const lively = startWorker(cluster.urls)
  const young = await said(lively, 'holds')
  tell(`its lease runs out; the second worker holds the lock with token ${young}`)
  const youngWrites = said(lively, 'writes')
  lively.send('write')
  const second = write('second', await youngWrites)
  tell(`the second worker writes with token ${young}: ${second}`)

  const oldWrites = said(sleepy, 'writes')
  sleepy.send('write')
  sleepy.kill('SIGCONT')
  const first = write('first', await oldWrites)
  tell(`the first worker wakes and writes with token ${old}: ${first}`)

  assert.equal(old, NIGHTS + 1)
  assert.equal(young, NIGHTS + 2)
  assert.equal(first, 'QUORATE_FENCED')
  assert.deepEqual(report, [`second ${young}`])
  await Promise.all([sleepy, lively].map((worker) => new Promise((resolve) => worker.once('exit', resolve))))
  await cluster.close()
  tell(`checked: token ${old} was refused after ${young}, and the report is of one worker`)
}
