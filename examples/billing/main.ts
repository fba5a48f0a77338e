/**
 * An order is placed twice, in two regions that cannot reach each other. Who bills the customer?
 *
 * With eventual settings each region looks at what it has, finds nothing, and bills. With registers the region without a
 * majority refuses, and the others bill once. Run it: `node --import tsx examples/billing/main.ts`
 */
import assert from 'node:assert/strict'
import { startLocalCluster } from '../../src/index.ts'
import { codeOf, reaches, tell } from '../story.ts'

const REGION = { a: 'us-east', b: 'us-west', c: 'eu' } as const
type Id = keyof typeof REGION

const cluster = await startLocalCluster({ replicas: 3, zones: Object.values(REGION), heartbeatMs: 200 })
const charges: string[] = []

/** Reads one replica, writes one replica: always answers, whatever the others have. */
async function orderEventually(id: Id, order: string): Promise<string> {
  const orders = cluster.node(id).keyspace<string>('orders-ap', { mode: 'ap', n: 3, r: 1, w: 1 })
  if ((await orders.get(order)).found) return 'was billed before'
  await orders.put(order, REGION[id])
  charges.push(`${order} by ${REGION[id]}`)
  return 'billed'
}

/** Bills whoever creates the order: `ifRevision: 0` says that it must not exist. */
async function orderOnce(id: Id, order: string): Promise<string> {
  const orders = cluster.node(id).keyspace<string>('orders-cp', { mode: 'cp', n: 3 })
  try {
    await orders.put(order, REGION[id], { ifRevision: 0 })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'QUORATE_CONDITION_FAILED') return 'was billed before'
    if (code === 'QUORATE_UNAVAILABLE') return 'refused: try another region'
    throw error
  }
  charges.push(`${order} by ${REGION[id]}`)
  return 'billed'
}

for (const order of [orderEventually, orderOnce]) tell(`before the cut: order 1 ${await order('a', 'order 1')}`)
charges.length = 0

tell('us-east is cut off from us-west and eu; the customer clicks, gets impatient, and clicks again elsewhere')
cluster.partition(['a'], ['b', 'c'])
await reaches(cluster.node('a'), 'a')
await reaches(cluster.node('b'), 'b', 'c')

tell(`eventual: us-east says "${await orderEventually('a', 'order 2')}"`)
tell(`eventual: us-west says "${await orderEventually('b', 'order 2')}"`)
const eventually = charges.splice(0)
tell(`registers: us-east says "${await orderOnce('a', 'order 2')}"`)
tell(`registers: us-west says "${await orderOnce('b', 'order 2')}"`)

cluster.heal()
for (const id of cluster.ids) await reaches(cluster.node(id), ...cluster.ids)
tell(`healed, and the customer clicks in us-east once more: "${await orderOnce('a', 'order 2')}"`)
const once = charges.splice(0)

const both = await cluster.node('c').keyspace<string>('orders-ap').get('order 2', { level: 'all' })
tell(`eventual: charged ${eventually.join(' and ')}; siblings tell of it afterwards: ${both.siblings.join(' | ')}`)
tell(`registers: charged ${once.join(' and ')}`)
assert.deepEqual(eventually, ['order 2 by us-east', 'order 2 by us-west'])
assert.deepEqual(both.siblings.toSorted(), ['us-east', 'us-west'])
assert.deepEqual(once, ['order 2 by us-west'])
await cluster.close()
tell('checked: billed twice with eventual settings, once with registers')
