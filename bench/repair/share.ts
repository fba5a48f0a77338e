/**
 * What keeping the digests costs whole puts: two clusters in turn, one of which keeps none.
 *
 * Throughput of three processes and a client on few cores is noisy; the processor time that the replicas use for a put is
 * less so, and stands beside it.
 */
import { fill, IN_FLIGHT, lwwOf, putOf, siblingPutOf, siblingsOf } from '../cells.ts'
import { startCluster, type Cluster } from '../cluster.ts'
import { throughput, type Operation } from '../load.ts'
import type { Progress } from '../progress.ts'
import { goalRow, perSecond, type Row, type Scale } from '../section.ts'
import { median, medianRatio } from '../statistics.ts'

/** The share of puts that keeping the digests may cost. */
const SHARE_MAX = 0.05
const SIDES = ['with', 'without'] as const

interface Figures {
  readonly perSecond: number[]
  readonly cpuUs: number[]
}

interface Side {
  readonly cluster: Cluster
  readonly operations: Readonly<Record<'lww' | 'siblings', Operation>>
}

export async function upkeepShare({ quick }: Scale, progress: Progress): Promise<Row[]> {
  const rounds = quick ? 2 : 9
  const forMs = quick ? 250 : 1_000
  const sides = { with: await open(false), without: await open(true) }
  try {
    const rows: Row[] = []
    for (const kind of ['lww', 'siblings'] as const) {
      const figures: Record<(typeof SIDES)[number], Figures> = {
        with: { perSecond: [], cpuUs: [] },
        without: { perSecond: [], cpuUs: [] },
      }
      for (let round = -1; round < rounds; round++) {
        progress.step(`${kind} puts with digests and without, round ${round + 1} of ${rounds}`)
        // Who comes first changes from round to round.
        for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
          const measured = await measure(sides[side], kind, forMs)
          if (round < 0) continue
          figures[side].perSecond.push(measured.perSecond)
          figures[side].cpuUs.push(measured.cpuUs)
        }
      }
      rows.push(...rowsOf(kind, figures))
    }
    return rows
  } finally {
    for (const { cluster } of Object.values(sides)) await cluster.close()
  }
}

async function open(bare: boolean): Promise<Side> {
  const cluster = await startCluster({ storage: 'memory', bare })
  const client = await cluster.client()
  await fill(lwwOf(client))
  const siblings = siblingPutOf(siblingsOf(client), () => client.session())
  return { cluster, operations: { lww: putOf(lwwOf(client)), siblings } }
}

async function measure(
  { cluster, operations }: Side,
  kind: 'lww' | 'siblings',
  forMs: number,
): Promise<{ readonly perSecond: number; readonly cpuUs: number }> {
  const before = await cluster.cpuUs()
  let calls = 0
  const counted: Operation = (worker, turn) => {
    calls++
    return operations[kind](worker, turn)
  }
  const speed = await throughput(counted, { inFlight: IN_FLIGHT, warmMs: 100, forMs })
  return { perSecond: speed.perSecond, cpuUs: ((await cluster.cpuUs()) - before) / calls }
}

function rowsOf(kind: string, figures: Readonly<Record<(typeof SIDES)[number], Figures>>): Row[] {
  const { with: kept, without } = figures
  const share = 1 - medianRatio({ of: kept.perSecond, to: without.perSecond })
  const cpu = medianRatio({ of: kept.cpuUs, to: without.cpuUs }) - 1
  const us = (values: readonly number[]): string => `${median(values).toFixed(1)} \u00b5s`
  return [
    goalRow({
      name: `${kind} puts lost to the digests, share of throughput`,
      measured: perSecond(median(kept.perSecond)),
      against: perSecond(median(without.perSecond)),
      goal: { ratio: share, relation: 'at most', bound: SHARE_MAX },
      figures: { share, kept, without },
    }),
    {
      name: `${kind} puts, processor time of three replicas, share`,
      cells: [us(kept.cpuUs), us(without.cpuUs), cpu.toFixed(2), '', ''],
      figures: { share: cpu },
    },
  ]
}
