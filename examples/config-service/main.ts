/**
 * A configuration service: one linearizable record with a version, read from any replica, even from one that is behind.
 *
 * The version is the register's revision, which never falls. Whoever applies a configuration remembers the version, and
 * refuses an older one; whoever publishes says which version it changes, and a stale publisher is refused.
 * Run it: `node --import tsx examples/config-service/main.ts`
 */
import assert from 'node:assert/strict'
import { startLocalCluster } from '../../src/index.ts'
import { codeOf, reaches, tell, until } from '../story.ts'

interface Settings {
  readonly rateLimit: number
}

const cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 200 })
const configAt = (id: string) => cluster.node(id).keyspace<Settings>('config', { mode: 'cp', n: 3 })

/** A process that follows the configuration. It asks one replica, so it is quick and works on every side of a cut. */
class Agent {
  version = 0
  rateLimit = 0

  /** Whether what the replica has is newer than what is applied. */
  async poll(replica: string): Promise<string> {
    const { value, revision } = await configAt(replica).get('gateway', { level: 'stale' })
    if (value === undefined || revision < this.version) return `refused version ${revision}, has ${this.version}`
    this.version = revision
    this.rateLimit = value.rateLimit
    return `version ${revision}, ${value.rateLimit} requests a second`
  }
}

const first = await configAt('a').put('gateway', { rateLimit: 100 }, { ifRevision: 0 })
const agent = new Agent()
await until('the first version is at c', async () => (await configAt('c').get('gateway', { level: 'stale' })).found)
tell(`published version ${first.revision}; an agent polls c: ${await agent.poll('c')}`)

cluster.partition(['a', 'b'], ['c'])
await reaches(cluster.node('a'), 'a', 'b')
await reaches(cluster.node('c'), 'c')
const second = await configAt('a').put('gateway', { rateLimit: 50 }, { ifRevision: first.revision })
tell(`c is cut off; version ${second.revision} is published on the other side`)
tell(`the agent polls a: ${await agent.poll('a')}`)
const behind = await agent.poll('c')
tell(`the agent polls c, which has not heard of it: ${behind}`)

const stale = await configAt('b')
  .put('gateway', { rateLimit: 500 }, { ifRevision: first.revision })
  .then(() => 'accepted', codeOf)
tell(`somebody publishes over version ${first.revision}, which was current a while ago: ${stale}`)
const alone = await configAt('c')
  .put('gateway', { rateLimit: 500 })
  .then(() => 'accepted', codeOf)
tell(`somebody publishes through c: ${alone}`)

cluster.heal()
await reaches(cluster.node('c'), 'a', 'b', 'c')
await until('c has caught up', async () => (await configAt('c').get('gateway', { level: 'stale' })).revision === 2)
tell(`healed; the agent polls c: ${await agent.poll('c')}`)

assert.equal(behind, 'refused version 1, has 2')
assert.equal(stale, 'QUORATE_CONDITION_FAILED')
assert.equal(alone, 'QUORATE_UNAVAILABLE')
assert.deepEqual({ version: agent.version, rateLimit: agent.rateLimit }, { version: 2, rateLimit: 50 })
await cluster.close()
tell('checked: versions never went back, and no stale publisher got through')
