/**
 * Three zones on three continents: local quorums are quick and go on when a zone is cut off; quorums of every zone are
 * slow and see everything. Run it: `node --import tsx examples/geo/main.ts`
 */
import assert from 'node:assert/strict'
import { startLocalCluster, type Receipt } from '../../src/index.ts'
import { codeOf, reaches, tell, until } from '../story.ts'

const ZONES = ['us', 'eu', 'asia']
const ONE_WAY_MS = 40
const zones = ZONES.flatMap((zone) => [zone, zone, zone])
const cluster = await startLocalCluster({ replicas: 9, zones, heartbeatMs: 300 })
const idsOf = (zone: string): string[] => cluster.ids.filter((_, index) => zones[index] === zone)
const [us, eu, asia] = ZONES.map(idsOf) as [string[], string[], string[]]

function slowOceans(): void {
  for (const from of cluster.ids) {
    for (const to of cluster.ids) {
      const isFar = zones[cluster.ids.indexOf(from)] !== zones[cluster.ids.indexOf(to)]
      if (isFar) cluster.slow({ from, to, delayMs: ONE_WAY_MS })
    }
  }
}

const profiles = { mode: 'ap', n: 9, read: 'local-quorum', write: 'local-quorum' } as const
const inEu = cluster.node(eu[0] as string).keyspace<string>('profiles', profiles)
const inUs = cluster.node(us[0] as string).keyspace<string>('profiles', profiles)
await inEu.put('alice', 'hello')
await inUs.get('alice', { level: 'all' })
slowOceans()

/** The zones of replicas that had the write when it was acknowledged. */
const zonesIn = ({ replicas }: Receipt): string[] => {
  const ids = Object.entries(replicas).flatMap(([id, { state }]) => (state === 'current' ? [id] : []))
  return [...new Set(ids.map((id) => zones[cluster.ids.indexOf(id)] ?? ''))].toSorted()
}

const near = await inEu.put('alice', 'bonjour')
tell(
  `a write at local-quorum in eu: ${near.receipt.ms.toFixed(0)} ms, acknowledged by ${zonesIn(near.receipt).join(', ')}`,
)
const far = await inEu.put('alice', 'salut', { level: 'each-quorum', context: near.context })
tell(`a write at each-quorum: ${far.receipt.ms.toFixed(0)} ms, acknowledged by ${zonesIn(far.receipt).join(', ')}`)
tell(`strict against reads of any zone: ${near.receipt.strict} and ${far.receipt.strict}`)
assert.deepEqual(zonesIn(near.receipt), ['eu'])
assert.deepEqual(zonesIn(far.receipt), ['asia', 'eu', 'us'])
assert.deepEqual([near.receipt.strict, far.receipt.strict], [false, true])

cluster.partition(eu, [...us, ...asia])
await reaches(cluster.node(eu[0] as string), ...eu)
await reaches(cluster.node(us[0] as string), ...us, ...asia)
tell('the cable to eu breaks')
const seen = await inEu.get('alice')
await inEu.put('alice', 'allô', { context: seen.context })
tell('eu goes on at local-quorum')
const refused = await inUs.put('alice', 'howdy', { level: 'each-quorum' }).then(() => 'accepted', codeOf)
tell(`each-quorum from us: ${refused}`)
assert.equal(refused, 'QUORATE_UNAVAILABLE')

cluster.heal()
await until(
  'us sees what eu wrote',
  async () => (await inUs.get('alice', { level: 'each-quorum' }).catch(() => undefined))?.value === 'allô',
)
tell('mended: a read of every zone sees what eu wrote meanwhile')
await cluster.close()
tell('checked: local quorums stayed local and went on; quorums of every zone met, and refused what they could not see')
