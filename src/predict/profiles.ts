/**
 * The published latency profiles: fits to production systems at LinkedIn and Yammer (Bailis et al. 2012, section 5).
 *
 * The authors had no one-way times for every leg; their fits take A, R and S to be alike, and give W, which a disk makes
 * slow, a distribution of its own.
 */
import { invalid } from '../core/base/errors.ts'
import type { Distribution } from './distribution.ts'
import type { Latencies } from './latencies.ts'

const SSD: Distribution = {
  mixture: [
    { weight: 0.9122, kind: 'pareto', xm: 0.235, alpha: 10 },
    { weight: 0.0878, kind: 'exponential', lambda: 1.66 },
  ],
}

const DISK: Distribution = {
  mixture: [
    { weight: 0.38, kind: 'pareto', xm: 1.05, alpha: 1.51 },
    { weight: 0.62, kind: 'exponential', lambda: 0.183 },
  ],
}

const YAMMER_W: Distribution = {
  mixture: [
    { weight: 0.939, kind: 'pareto', xm: 3, alpha: 3.35 },
    { weight: 0.061, kind: 'exponential', lambda: 0.0028 },
  ],
}

const YAMMER_ARS: Distribution = {
  mixture: [
    { weight: 0.982, kind: 'pareto', xm: 1.5, alpha: 3.8 },
    { weight: 0.018, kind: 'exponential', lambda: 0.0217 },
  ],
}

/** Names of the published profiles. */
export type ProfileName = 'LNKD-SSD' | 'LNKD-DISK' | 'YMMR' | 'WAN'

/** The published profiles by name, in milliseconds. */
export const profiles: Readonly<Record<ProfileName, Latencies>> = {
  /** Voldemort at LinkedIn on solid state disks. */
  'LNKD-SSD': { w: SSD, a: SSD, r: SSD, s: SSD },
  /** The same on spinning disks, which are what writes wait for. */
  'LNKD-DISK': { w: DISK, a: SSD, r: SSD, s: SSD },
  /** Riak at Yammer; the paper prints alpha 3.35 for W, the authors' simulator has 3.5. */
  YMMR: { w: YAMMER_W, a: YAMMER_ARS, r: YAMMER_ARS, s: YAMMER_ARS },
  /** LNKD-DISK with each replica in a datacenter of its own, 75 ms from the others. */
  WAN: { w: DISK, a: SSD, r: SSD, s: SSD, remoteMs: 75 },
}

export const profileNames: readonly ProfileName[] = ['LNKD-SSD', 'LNKD-DISK', 'YMMR', 'WAN']

/** @throws QuorateError `QUORATE_INVALID_OPTION` for an unknown name, listing the known ones. */
export function profile(name: string): Latencies {
  if (Object.hasOwn(profiles, name)) return profiles[name as ProfileName]
  throw invalid(`there is no profile ${JSON.stringify(name)}: use ${profileNames.join(', ')}`)
}
