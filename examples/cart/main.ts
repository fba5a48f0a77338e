/**
 * The shopping cart of Dynamo (DeCandia et al., SOSP 2007): always writable, and no item that was put in is ever lost.
 *
 * Its known price is that an item that was taken out may come back, if a cart is merged as a plain list. A cart that
 * remembers what was taken out does not have it. Run it: `node --import tsx examples/cart/main.ts`
 */
import assert from 'node:assert/strict'
import { startLocalCluster } from '../../src/index.ts'
import { reaches, tell, until } from '../story.ts'

/** What was ever put in, and what was taken out: a set that two sides can change and merge (a "two-phase set"). */
interface Cart {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())].toSorted()
const itemsOf = ({ added, removed }: Cart): string[] => added.filter((item) => !removed.includes(item))
const mergeCarts = (carts: readonly Cart[]): Cart => ({
  added: union(carts.map(({ added }) => added)),
  removed: union(carts.map(({ removed }) => removed)),
})

const cluster = await startLocalCluster({ replicas: 3, heartbeatMs: 200 })
const always = { mode: 'ap', n: 3, r: 1, w: 1 } as const
const listsAt = (id: string) => cluster.node(id).keyspace<string[]>('lists', { ...always, resolve: union })
const cartsAt = (id: string) => cluster.node(id).keyspace<Cart>('carts', { ...always, resolve: mergeCarts })

await listsAt('a').put('alice', ['milk', 'tea'])
await cartsAt('a').put('alice', { added: ['milk', 'tea'], removed: [] })
await listsAt('c').get('alice', { level: 'all' })
await cartsAt('c').get('alice', { level: 'all' })

tell('alice has milk and tea; her phone reaches one side of a cut, her laptop the other')
cluster.partition(['a'], ['b', 'c'])
await reaches(cluster.node('a'), 'a')
await reaches(cluster.node('b'), 'b', 'c')
await listsAt('a').update('alice', (items = []) => items.filter((item) => item !== 'tea'))
await listsAt('b').update('alice', (items = []) => [...items, 'bread'])
await cartsAt('a').update('alice', (cart = { added: [], removed: [] }) => ({ ...cart, removed: ['tea'] }))
await cartsAt('b').update('alice', (cart = { added: [], removed: [] }) => ({
  ...cart,
  added: [...cart.added, 'bread'],
}))
tell('the phone takes the tea out, the laptop puts bread in: both are accepted')

cluster.heal()
for (const id of cluster.ids) await reaches(cluster.node(id), ...cluster.ids)
const list = await listsAt('a').get('alice', { level: 'all' })
const cart = await cartsAt('a').get('alice', { level: 'all' })
assert.equal(list.conflict && cart.conflict, true)
const merged = itemsOf(cart.value ?? { added: [], removed: [] })
tell(`${list.siblings.length} siblings as lists: ${list.siblings.map((items) => items.join(' + ')).join(' | ')}`)
tell(`merged as lists: ${list.value?.join(', ')}. The tea is back`)
tell(`merged as sets: ${merged.join(', ')}`)
assert.deepEqual(list.value, ['bread', 'milk', 'tea'])
assert.deepEqual(merged, ['bread', 'milk'])

await until('b has both siblings', async () => (await cartsAt('b').get('alice')).conflict)
await cartsAt('b').update('alice', (known = { added: [], removed: [] }) => known)
const after = await cartsAt('c').get('alice', { level: 'all' })
assert.equal(after.conflict, false)
await cluster.close()
tell('checked: no item was lost, and with the set no item came back; one update made the siblings one')
