/**
 * The benchmark: runs its parts, in virtual time and against real replica processes on loopback, and makes one report.
 *
 * A part that cannot run is reported and the others go on; the exit status says so in the end.
 */
import { access, constants, readFile, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { QuorateError } from '../src/index.ts'
import { childFailure, killChildren } from './child.ts'
import { compareSection, gateFailures, isEarlierRun, type EarlierRun } from './compare.ts'
import { cp } from './cp.ts'
import { goals } from './goals.ts'
import { htmlReport } from './html.ts'
import { matrix } from './matrix/part.ts'
import { prediction } from './matrix/prediction.ts'
import { real } from './matrix/real.ts'
import { replay } from './matrix/replay.ts'
import { memory } from './memory.ts'
import { micro } from './micro.ts'
import { helpText, parseOptions, UsageError, type BenchOptions } from './options.ts'
import { peers } from './peers/part.ts'
import { Progress } from './progress.ts'
import { renderReport } from './report.ts'
import type { Part, Section } from './section.ts'
import { ratios } from './ratios.ts'
import { repair } from './repair.ts'
import { ycsb } from './ycsb.ts'

const PARTS: readonly Part[] = [matrix, prediction, real, goals, cp, memory, ycsb, repair, micro, ratios, peers]
/** The benchmark could not do all, a wrong command line, and a gate that is shut. */
const EXIT = { failed: 1, usage: 2, gate: 3 } as const

const LAST_WORDS_MS = 500

const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`.replace(/ -- $/, '')

async function main(): Promise<number> {
  const options = parseOptions(
    process.argv.slice(2),
    PARTS.map(({ name }) => name),
  )
  if (options.help) {
    process.stdout.write(helpText(PARTS))
    return 0
  }
  if (options.replay !== undefined) {
    process.stdout.write(await replay(options.replay, options))
    return 0
  }
  const earlier = options.compare === undefined ? undefined : await earlierRun(options.compare)
  for (const file of [options.json, options.html]) if (file !== undefined) await checkWritable(file)
  const startedAt = new Date()
  const sections = await runParts(options)
  if (earlier !== undefined) sections.push(compareSection(earlier, sections))
  const shut = earlier === undefined ? [] : gateFailures(earlier, sections, options.gatePercent)
  process.stdout.write(renderReport(sections, { colour: process.stdout.isTTY }))
  for (const line of shut) process.stdout.write(`${line}\n`)
  const finished = { options, startedAt, sections }
  const written = await Promise.all([writeJson(finished), writeHtml(finished)])
  const isWhole = written.every(Boolean) && sections.every(({ failures = [] }) => failures.length === 0)
  return isWhole ? (shut.length > 0 ? EXIT.gate : 0) : EXIT.failed
}

async function runParts(options: BenchOptions): Promise<Section[]> {
  const { quick, seed, matrix: wanted } = options
  const progress = new Progress(process.stderr)
  const sections: Section[] = []
  const times: [string, number][] = []
  for (const part of PARTS) {
    if (!options.only.includes(part.name)) continue
    const startedAt = performance.now()
    const failing = childFailure()
    try {
      const running = part.run({ quick, seed, matrix: wanted }, progress)
      sections.push(...(await Promise.race([running, failing])))
    } catch (error) {
      // A wrong name is known before anything has been measured.
      if (error instanceof UsageError) throw error
      // What a process says of itself tells more than what its callers noticed, and may come after it.
      const cause = await Promise.race([failing.catch((told: unknown) => told), sleep(LAST_WORDS_MS)])
      killChildren()
      sections.push(failedPart(part, cause ?? error))
    }
    times.push([part.name, performance.now() - startedAt])
  }
  progress.done()
  return [...sections, timesSection(times)]
}

function failedPart({ name }: Part, error: unknown): Section {
  const failures = [`The part ${name} could not run: ${whyOf(error)}`]
  return { part: name, title: `${name}: could not run`, columns: [''], rows: [], notes: [], failures }
}

/** Replicas say why they refuse, a full disk for example. */
function whyOf(error: unknown): string {
  const said = error instanceof QuorateError ? Object.entries(error.replicas) : []
  const isFull = said.some(([, why]) => why.includes('storage-full'))
  const room = isFull ? `; there is no room in ${os.tmpdir()}, where TMPDIR puts data` : ''
  const why = error instanceof Error ? error.message : String(error)
  return said.length === 0 ? why : `${why}; ${said.map((one) => one.join(': ')).join(', ')}${room}`
}

function timesSection(times: readonly (readonly [part: string, tookMs: number])[]): Section {
  const all = ['all', times.reduce((sum, [, tookMs]) => sum + tookMs, 0)] as const
  const rows = [...times, ...(times.length > 1 ? [all] : [])].map(([name, tookMs]) => {
    return { name, cells: [`${(tookMs / 1000).toFixed(1)} s`], figures: { tookMs } }
  })
  return { part: 'main', title: 'How long the parts took', columns: ['', 'took'], rows, notes: [] }
}

async function earlierRun(file: string): Promise<EarlierRun> {
  try {
    const run: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (isEarlierRun(run)) return run
  } catch (error) {
    throw new UsageError(`--compare ${file} cannot be read: ${(error as Error).message}`)
  }
  throw new UsageError(`--compare ${file} is no report: give a file that --json wrote`)
}

/** Better known before twenty minutes than after them. */
async function checkWritable(file: string): Promise<void> {
  const folder = path.dirname(path.resolve(file))
  try {
    const known = await stat(file).catch(() => undefined)
    if (known?.isDirectory() === true || file.trim() === '') throw new Error('it is a folder, not a file')
    await access(known === undefined ? folder : file, constants.W_OK)
  } catch (error) {
    throw new UsageError(`${JSON.stringify(file)} cannot be written: ${(error as Error).message}`)
  }
}

interface Finished {
  readonly options: BenchOptions
  readonly startedAt: Date
  readonly sections: readonly Section[]
}

interface Machine {
  readonly cpus: number
  readonly model: string
  readonly memoryBytes: number
  readonly platform: string
  readonly node: string
  readonly loadAverage: readonly number[]
}

function machine(): Machine {
  const cpus = os.cpus()
  return {
    cpus: cpus.length,
    model: cpus[0]?.model ?? 'unknown',
    memoryBytes: os.totalmem(),
    platform: `${os.platform()} ${os.arch()} ${os.release()}`,
    node: process.version,
    loadAverage: os.loadavg(),
  }
}

async function writeJson({ options, startedAt, sections }: Finished): Promise<boolean> {
  const { json, quick, only, seed, matrix: wanted } = options
  if (json === undefined) return true
  const document = {
    command,
    startedAt: startedAt.toISOString(),
    tookMs: Date.now() - startedAt.getTime(),
    options: { quick, only, matrix: wanted },
    seeds: { workload: seed },
    machine: machine(),
    sections: sections.map(({ part, title, rows, notes, charts = [], failures = [] }) => {
      return { part, title, rows, notes, charts, failures }
    }),
  }
  return write(json, `${JSON.stringify(document, undefined, 1)}\n`)
}

async function writeHtml({ options, startedAt, sections }: Finished): Promise<boolean> {
  if (options.html === undefined) return true
  const { cpus, model, memoryBytes, platform, node, loadAverage } = machine()
  const load = loadAverage.map((value) => value.toFixed(2)).join(' ')
  const facts = [
    ['took', `${((Date.now() - startedAt.getTime()) / 1000).toFixed(0)} s`],
    ['machine', `${cpus} × ${model}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB, ${platform}`],
    ['versions', `Node.js ${node}`],
    ['load average', load],
    ['seed', String(options.seed)],
    ['parts', options.only.join(', ')],
  ] as const
  return write(options.html, htmlReport(sections, { command, at: startedAt, facts }))
}

/** False, with a line that says why, where there is no room. */
async function write(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text)
    return true
  } catch (error) {
    process.stderr.write(`${file} could not be written: ${(error as Error).message}\n`)
    return false
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killChildren()
    process.exit(130)
  })
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    killChildren()
    const text = error instanceof UsageError ? error.message : error instanceof Error ? error.stack : String(error)
    process.stderr.write(`\nThe benchmark could not run: ${text}\n`)
    process.exit(error instanceof UsageError ? EXIT.usage : EXIT.failed)
  },
)
