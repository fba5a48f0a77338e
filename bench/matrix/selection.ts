/**
 * Which cells of the matrix are measured: by default three slices through it, and the full product of what is asked for.
 */
import { UsageError } from '../options.ts'
import { PROFILES, type Profile } from './profiles.ts'
import { isPossible, type Cell } from './run.ts'
import { SETTINGS, type Setting } from './settings.ts'
import { SITUATIONS, type Situation } from './situations.ts'
import { WORKLOADS, type Workload } from './workloads.ts'

/** Names, as they stand on the command line; `all` for every one. Left out: what the slices have. */
export interface Wanted {
  readonly settings?: readonly string[] | undefined
  readonly profiles?: readonly string[] | undefined
  readonly situations?: readonly string[] | undefined
  readonly workloads?: readonly string[] | undefined
}

interface Named {
  readonly name: string
}

/** What stands still in the slices that vary something else. */
const USUAL = { profile: 'LNKD-DISK', situation: 'healthy', workload: 'ycsb-a' } as const
/** Situations are compared where nothing else takes long. */
const CALM_PROFILE = 'LAN'
const QUICK = {
  settings: [
    'n3-r1-w1',
    'n3-r2-w1',
    'n3-r2-w2',
    'n3-r1-w3',
    'n3-r3-w1',
    'siblings-r2-w2',
    'sloppy',
    'cp',
    'cp-leader',
    'cp-stale-read',
  ],
  profiles: ['LNKD-DISK'],
  situations: ['healing'],
  workloads: ['carts'],
}

/** @throws UsageError for a name that there is not, with those that there are. */
export function cellsOf(
  wanted: Wanted,
  options: { readonly quick: boolean; readonly extra: readonly Profile[] },
): Cell[] {
  const profiles = [...PROFILES, ...options.extra]
  const asked = [wanted.settings, wanted.profiles, wanted.situations, wanted.workloads]
  const isAsked = asked.some((names) => names !== undefined) || options.extra.length > 0
  const settings = pick('setting', SETTINGS, wanted.settings ?? (options.quick ? QUICK.settings : ['all']))
  if (isAsked) {
    const usual = options.extra.length > 0 ? options.extra.map(({ name }) => name) : [USUAL.profile]
    return product({
      settings,
      profiles: pick('profile', profiles, wanted.profiles ?? usual),
      situations: pick('situation', SITUATIONS, wanted.situations ?? [USUAL.situation]),
      workloads: pick('workload', WORKLOADS, wanted.workloads ?? [USUAL.workload]),
    })
  }
  const [one, calm] = [named(profiles, USUAL.profile), named(profiles, CALM_PROFILE)]
  const [healthy, usual] = [named(SITUATIONS, USUAL.situation), named(WORKLOADS, USUAL.workload)]
  const some = <T extends Named>(all: readonly T[], names: readonly string[]): readonly T[] =>
    options.quick ? all.filter(({ name }) => names.includes(name)) : all
  return distinct([
    ...product({ settings, profiles: some(profiles, QUICK.profiles), situations: [healthy], workloads: [usual] }),
    ...product({ settings, profiles: [calm], situations: some(SITUATIONS, QUICK.situations), workloads: [usual] }),
    ...product({ settings, profiles: [one], situations: [healthy], workloads: some(WORKLOADS, QUICK.workloads) }),
  ])
}

/** A cell by its name, `setting/profile/situation/workload`. */
export function cellNamed(text: string, extra: readonly Profile[]): Cell {
  const [setting, profile, situation, workload, more] = text.split('/')
  if (workload === undefined || more !== undefined) {
    throw new UsageError(`${JSON.stringify(text)} is no cell: use SETTING/PROFILE/SITUATION/WORKLOAD`)
  }
  return {
    setting: pick('setting', SETTINGS, [setting as string])[0] as Setting,
    profile: pick('profile', [...PROFILES, ...extra], [profile as string])[0] as Profile,
    situation: pick('situation', SITUATIONS, [situation as string])[0] as Situation,
    workload: pick('workload', WORKLOADS, [workload])[0] as Workload,
  }
}

export function nameOf({ setting, profile, situation, workload }: Cell): string {
  return [setting, profile, situation, workload].map(({ name }) => name).join('/')
}

/** What stands still in a table or a chart. */
export function groupOf({ profile, situation, workload }: Omit<Cell, 'setting'>): string {
  return [profile, situation, workload].map(({ name }) => name).join(', ')
}

function product(of: {
  readonly settings: readonly Setting[]
  readonly profiles: readonly Profile[]
  readonly situations: readonly Situation[]
  readonly workloads: readonly Workload[]
}): Cell[] {
  const cells = of.profiles.flatMap((profile) =>
    of.situations.flatMap((situation) =>
      of.workloads.flatMap((workload) => of.settings.map((setting) => ({ setting, profile, situation, workload }))),
    ),
  )
  return cells.filter(isPossible)
}

function distinct(cells: readonly Cell[]): Cell[] {
  return [...new Map(cells.map((cell) => [nameOf(cell), cell])).values()]
}

function named<T extends Named>(all: readonly T[], name: string): T {
  return all.find((one) => one.name === name) as T
}

/** Those with these names, in their own order. */
function pick<T extends Named>(what: string, all: readonly T[], names: readonly string[]): T[] {
  if (names.includes('all')) return [...all]
  for (const name of names) {
    if (all.some((one) => one.name === name)) continue
    const known = all.map((one) => one.name).join(', ')
    throw new UsageError(`there is no ${what} ${JSON.stringify(name)}: use ${known}, or all`)
  }
  return all.filter(({ name }) => names.includes(name))
}
