/**
 * Which links a partition cuts: total, majority and minority, random, one-way, bridge, ring, a single link.
 *
 * Partial and one-way cuts are what breaks systems that survive clean partitions (Alfatafta, Alkhatib, Alquraan,
 * Al-Kiswany, "Toward a Generic Fault Tolerance Technique for Partial Network Partitioning", OSDI 2020).
 */
import type { Random } from '../core/base/random.ts'
import type { Link } from './network.ts'

/** How many hosts there are; replicas come first. */
export interface Hosts {
  readonly replicas: number
  readonly all: number
}

export interface Cut {
  readonly shape: string
  readonly links: readonly Link[]
}

/** Every link between hosts of different groups. A group of -1 is connected to everybody. */
function between(groups: readonly number[]): Link[] {
  const links: Link[] = []
  for (const [from, group] of groups.entries()) {
    for (const [to, other] of groups.entries()) {
      if (group !== other && group >= 0 && other >= 0) links.push({ from, to })
    }
  }
  return links
}

function everyHost({ all }: Hosts, groupOf: (host: number) => number): number[] {
  return Array.from({ length: all }, (_, host) => groupOf(host))
}

/** Both directions between groups; clients fall on either side. */
export function drawPartition(random: Random, hosts: Hosts): Cut {
  const { replicas } = hosts
  const kind = random.below(4)
  if (kind === 0) {
    const alone = random.below(replicas)
    return { shape: 'isolated', links: between(everyHost(hosts, (host) => (host === alone ? 1 : 0))) }
  }
  if (kind === 1) return { shape: 'total', links: between(everyHost(hosts, (host) => host)) }
  if (kind === 2) {
    const minority = new Set(shuffled(random, replicas).slice(0, (replicas - 1) >> 1))
    const groupOf = (host: number): number => (host < replicas ? Number(minority.has(host)) : random.below(2))
    return { shape: 'minority', links: between(everyHost(hosts, groupOf)) }
  }
  const parts = 2 + random.below(2)
  return { shape: 'random', links: between(everyHost(hosts, () => random.below(parts))) }
}

/** Some replicas are heard and do not hear, or hear and are not heard. */
export function drawOneWay(random: Random, hosts: Hosts): Cut {
  const groups = everyHost(hosts, (host) => (host < hosts.replicas ? random.below(2) : 0))
  const deaf = random.chance(0.5) ? 0 : 1
  const links = between(groups).filter(({ to }) => groups[to] === deaf)
  return { shape: deaf === 0 ? 'one-way in' : 'one-way out', links }
}

/** Some pairs cannot talk to each other while others can talk to both. */
export function drawPartial(random: Random, hosts: Hosts): Cut {
  const { replicas } = hosts
  const order = shuffled(random, replicas)
  const kind = random.below(3)
  if (kind === 0) {
    const bridge = order[0]
    const side = (host: number): number => (host === bridge ? -1 : order.indexOf(host) % 2)
    return { shape: 'bridge', links: between(everyHost(hosts, (host) => (host < replicas ? side(host) : -1))) }
  }
  if (kind === 1) {
    const links = between(everyHost(hosts, (host) => (host < replicas ? host : -1))).filter(({ from, to }) => {
      const steps = Math.abs(order.indexOf(from) - order.indexOf(to))
      return steps !== 1 && steps !== replicas - 1
    })
    return { shape: 'ring', links }
  }
  const from = random.below(hosts.all)
  const to = (from + 1 + random.below(hosts.all - 1)) % hosts.all
  const back = random.chance(0.5) ? [{ from: to, to: from }] : []
  return { shape: 'single link', links: [{ from, to }, ...back] }
}

/** All links of one host, in one direction or both: for faults that stay. */
export function allLinksOf(host: number, direction: 'in' | 'out' | 'both', { all }: Hosts): Link[] {
  const links: Link[] = []
  for (let other = 0; other < all; other++) {
    if (other === host) continue
    if (direction !== 'in') links.push({ from: host, to: other })
    if (direction !== 'out') links.push({ from: other, to: host })
  }
  return links
}

/** The numbers from 0 up to `size`, in random order. */
export function shuffled(random: Random, size: number): number[] {
  const order = Array.from({ length: size }, (_, i) => i)
  for (let i = size - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const moved = order[i] as number
    order[i] = order[j] as number
    order[j] = moved
  }
  return order
}
