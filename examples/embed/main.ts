/**
 * The store inside of a program, as the README begins: three real replicas over loopback WebSockets, siblings, a cut.
 * Run it: `node --import tsx examples/embed/main.ts`
 */
import assert from 'node:assert/strict'
import { startLocalCluster } from '../../src/index.ts'
import { codeOf, reaches, tell } from '../story.ts'

const cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 200 })
const carts = cluster.store.keyspace<string[]>('carts', {
  mode: 'ap',
  n: 3,
  r: 2,
  w: 2,
  resolve: (siblings) => [...new Set(siblings.flat())].toSorted(),
})

await carts.put('alice', ['milk'])
const entry = await carts.get('alice', { level: 'quorum' })
tell(
  `alice has ${entry.value?.join(', ')}; the read rests on ${entry.receipt?.reached} replicas, strict: ${entry.receipt?.strict}`,
)

// Two writers that do not know of each other: nothing is lost, and `resolve` makes one value of both.
await carts.put('alice', ['tea'], { context: entry.context })
await carts.put('alice', ['bread'], { context: entry.context })
const both = await carts.get('alice')
tell(`two siblings: ${both.siblings.map((items) => items.join()).join(' | ')}; resolved: ${both.value?.join(', ')}`)
assert.equal(both.conflict, true)

// Read, change, write: the context goes along by itself, and the siblings become one.
await carts.update('alice', (cart = []) => [...cart, 'butter'])
const after = await carts.get('alice')
tell(`after an update: ${after.value?.join(', ')}`)
assert.deepEqual(after.value, ['bread', 'tea', 'butter'])
assert.equal(after.conflict, false)

// Cut one replica off. Its side refuses what needs a quorum, before anything is sent.
cluster.partition(['a'], ['b', 'c'])
await reaches(cluster.node('a'), 'a')
const alone = cluster.node('a').keyspace<string[]>('carts')
tell(`cut off, at level one: ${(await alone.get('alice', { level: 'one' })).value?.join(', ')}`)
const refused = await alone.put('alice', ['jam'], { level: 'quorum' }).then(() => 'accepted', codeOf)
tell(`cut off, at level quorum: ${refused}`)
assert.equal(refused, 'QUORATE_UNAVAILABLE')
cluster.heal()
await cluster.close()
tell('checked: nothing written was lost, and the side without a quorum refused')
