/**
 * A primary that is cut off, another that takes over, and no entry of its log that is lost or comes from both.
 *
 * Before the second one leads it switches the first one off (STONITH), and what the first one still had under way is
 * refused by its lower generation. Run it: `node --import tsx examples/primary-failover/main.ts`
 */
import assert from 'node:assert/strict'
import { startLocalCluster, type Seat } from '../../src/index.ts'
import { codeOf, reaches, tell, until } from '../story.ts'

interface Log {
  /** Of the primary that wrote last. */
  readonly generation: number
  readonly entries: readonly string[]
}

const IDS = ['a', 'b', 'c']
const cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 200 })
const switchedOff: string[] = []

/** One database server. */
class Server {
  readonly id: string
  readonly seat: Seat

  constructor(id: string) {
    this.id = id
    this.seat = cluster.node(id).campaign('primary', {
      leaseMs: 1_000,
      onFence: (old) => {
        tell(`${id} switches off ${old.id}, which led in generation ${old.generation}, before it leads`)
        switchedOff.push(old.id)
      },
    })
  }

  /** Appends as the primary of some generation: the log refuses it once a later one has written. */
  async append(entry: string, generation = this.seat.generation): Promise<string> {
    if (generation === undefined) return 'not primary'
    const logs = cluster.node(this.id).keyspace<Log>('logs', { mode: 'cp', n: 3 })
    try {
      await logs.update('orders', (log = { generation: 0, entries: [] }) => {
        if (log.generation > generation) throw new Error(`generation ${generation} is over`)
        return { generation, entries: [...log.entries, entry] }
      })
      return 'appended'
    } catch (error) {
      if (error instanceof Error && error.message.endsWith('is over')) return 'fenced'
      return codeOf(error)
    }
  }
}

const servers = IDS.map((id) => new Server(id))
const primary = (): Server | undefined => servers.find(({ seat }) => seat.isLeader)
await until('somebody leads', () => primary() !== undefined)
const old = primary() as Server
const oldGeneration = old.seat.generation as number
tell(`${old.id} is primary, generation ${oldGeneration}`)
for (const entry of ['first', 'second']) assert.equal(await old.append(entry), 'appended')

const others = IDS.filter((id) => id !== old.id)
cluster.partition([old.id], others)
tell(`${old.id} is cut off`)
await until('another leads', () => others.some((id) => servers.find((server) => server.id === id)?.seat.isLeader))
const next = servers.find(({ id, seat }) => others.includes(id) && seat.isLeader) as Server
tell(`${next.id} is primary, generation ${next.seat.generation}`)
assert.equal(old.seat.isLeader, false)
await reaches(cluster.node(old.id), old.id)
tell(`a client of ${old.id} is told "${await old.append('lost?')}"`)
const minority = await old.append('lost?', oldGeneration)
tell(`and what it still had under way comes to "${minority}"`)
assert.equal(await next.append('third'), 'appended')

cluster.heal()
await reaches(cluster.node(old.id), ...IDS)
const late = await old.append('from the past', oldGeneration)
tell(`healed; a write of generation ${oldGeneration} comes late: "${late}"`)

const { value } = await cluster.store.keyspace<Log>('logs', { mode: 'cp', n: 3 }).get('orders')
tell(`the log: ${value?.entries.join(', ')}`)
assert.deepEqual(value?.entries, ['first', 'second', 'third'])
assert.ok((next.seat.generation ?? 0) > oldGeneration || value.generation > oldGeneration)
assert.equal(minority, 'QUORATE_UNAVAILABLE')
assert.equal(late, 'fenced')
assert.ok(switchedOff.includes(old.id))
await cluster.close()
tell('checked: one primary at a time, nothing acknowledged was lost, and the old one was switched off and fenced')
