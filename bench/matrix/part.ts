/**
 * The matrix: what each setting costs and what it gives, in virtual time, where staleness is known exactly and thousands
 * of runs take seconds.
 */
import type { Plot } from '../plot.ts'
import type { Part, Row, Section } from '../section.ts'
import { cellColumns, cellRow } from './cell-row.ts'
import { distributionPlot, ageplot, frontPlot, timelinePlots } from './pictures.ts'
import { askAll } from './pool.ts'
import { profileFrom, type Profile } from './profiles.ts'
import { OPERATIONS } from './run.ts'
import { cellsOf, groupOf, nameOf } from './selection.ts'
import type { CellResult } from './tally.ts'
import { UsageError, type MatrixOptions } from '../options.ts'

const RUNS = { quick: 2, full: 10 } as const
/** Groups of cells with pictures of their own at the top of the report. */
const TOLD = ['LNKD-DISK, healthy, ycsb-a', 'LAN, healing, ycsb-a', 'LNKD-DISK, healthy, carts']
const LEGEND =
  'Stale: reads that missed an acknowledged write; k: how many; t: for how long. Back: reads behind what the same client ' +
  'had read or written. Lost: acknowledged writes of which nothing is left; overwritten: by writes that had not seen them. ' +
  'Siblings: reads that showed several values, and the most. Order: whether all answers fit one register.'
/** Beyond it a table is for files. */
const ROWS_MAX = 60

export const matrix: Part = {
  name: 'matrix',
  about: 'latency and consistency of settings, networks, troubles and workloads, in virtual time',
  run: async ({ quick, seed, matrix: wanted }, progress) => {
    const extra = await extraProfiles(wanted)
    const cells = cellsOf(wanted, { quick, extra })
    const runs = wanted.runs ?? (quick ? RUNS.quick : RUNS.full)
    progress.part('matrix', cells.length)
    const questions = cells.map((cell) => {
      return { kind: 'cell' as const, name: nameOf(cell), extra, firstSeed: seed, runs }
    })
    const results = await askAll<CellResult>(questions, (at) => progress.step(questions[at]?.name ?? ''))
    return sectionsOf(results, { runs })
  },
}

export async function extraProfiles({ profileFile, profileName }: MatrixOptions): Promise<Profile[]> {
  if (profileFile === undefined) return []
  try {
    return [await profileFrom(profileFile, profileName)]
  } catch (error) {
    throw new UsageError(`--profile-file ${profileFile}: ${(error as Error).message}`)
  }
}

function sectionsOf(results: readonly CellResult[], { runs }: { readonly runs: number }): Section[] {
  const groups = new Map<string, CellResult[]>()
  for (const result of results) {
    const group = groupNameOf(result)
    groups.set(group, [...(groups.get(group) ?? []), result])
  }
  const told = TOLD.filter((name) => groups.has(name))
  const first = told.length > 0 ? told : [...groups.keys()].slice(0, 1)
  const isSmall = results.length <= ROWS_MAX
  const sections = [...groups].map(([name, cells]): Section => {
    const isTold = first.includes(name)
    return {
      part: 'matrix',
      title: `${isTold ? 'Matrix: ' : ''}${name}`,
      columns: cellColumns(cells),
      endsInWords: true,
      rows: cells.map((cell) => cellRow(cell)),
      notes: isTold
        ? [`${runs} runs of ${OPERATIONS} operations for each line, by six clients of three coordinators.`, LEGEND]
        : [],
      plots: isTold ? picturesOf(name, cells) : [frontPlot(name, cells)],
      ...(!isTold && !isSmall && { isDetail: true as const }),
    }
  })
  const order = (section: Section): number =>
    section.isDetail === true ? 2 : section.title.startsWith('Matrix') ? 0 : 1
  return [...sections.toSorted((a, b) => order(a) - order(b)), breachSection(results)]
}

function groupNameOf({ profile, situation, workload }: CellResult): string {
  const named = (name: string): { name: string } => ({ name })
  return groupOf({ profile: named(profile), situation: named(situation), workload: named(workload) } as never)
}

function picturesOf(name: string, cells: readonly CellResult[]): Plot[] {
  const heals = cells.some(({ recoveryMs }) => recoveryMs !== undefined)
  return [
    frontPlot(name, cells),
    ...(heals ? timelinePlots(name, cells) : [distributionPlot(name, cells), ageplot(name, cells)]),
  ]
}

/** Which guarantees broke how often, and where the store had promised them. */
function breachSection(results: readonly CellResult[]): Section {
  const byGuarantee = new Map<string, { cells: number; example: string }>()
  const failures: string[] = []
  for (const cell of results) {
    const name = [cell.setting, cell.profile, cell.situation, cell.workload].join('/')
    for (const { guarantee, seed, promised } of cell.breaches) {
      const replay = `npm run bench -- --replay ${name} --seed ${seed}`
      const known = byGuarantee.get(guarantee)
      if (known === undefined) byGuarantee.set(guarantee, { cells: 1, example: replay })
      else known.cells++
      if (promised) failures.push(`The store broke what it promised, ${guarantee}: ${replay}`)
    }
  }
  const rows = [...byGuarantee].map(([name, { cells, example }]): Row => {
    return { name, cells: [`${cells} of ${results.length}`, example], figures: { cells, of: results.length, example } }
  })
  return {
    part: 'matrix',
    title: 'Guarantees that broke, in how many cells, and one run that shows it',
    columns: ['', 'cells', 'again with'],
    endsInWords: true,
    rows,
    notes: [
      'Staleness counts what is certain alone: writes that were acknowledged before the read began.',
      failures.length === 0 ? 'None of them had been promised with its setting.' : '',
    ].filter((note) => note !== ''),
    failures,
  }
}
