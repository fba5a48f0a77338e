/**
 * The benchmark: runs its parts against real replica processes on loopback and prints one report.
 *
 * Ends with an error when it could not run, not when a goal was missed.
 */
import { writeFile } from 'node:fs/promises'
import os from 'node:os'
import { childFailure, killChildren } from './child.ts'
import { htmlReport } from './html.ts'
import { cp } from './cp.ts'
import { goals } from './goals.ts'
import { memory } from './memory.ts'
import { micro } from './micro.ts'
import { helpText, parseOptions, UsageError, type BenchOptions } from './options.ts'
import { Progress } from './progress.ts'
import { renderReport } from './report.ts'
import type { Part, Section } from './section.ts'
import { repair } from './repair.ts'
import { ycsb } from './ycsb.ts'

const PARTS: readonly Part[] = [goals, cp, memory, ycsb, repair, micro]

async function main(): Promise<void> {
  const options = parseOptions(
    process.argv.slice(2),
    PARTS.map(({ name }) => name),
  )
  if (options.help) {
    process.stdout.write(helpText(PARTS))
    return
  }
  const startedAt = new Date()
  const progress = new Progress(process.stderr)
  const sections: Section[] = []
  for (const part of PARTS) {
    if (!options.only.includes(part.name)) continue
    sections.push(...(await part.run({ quick: options.quick, seed: options.seed }, progress)))
  }
  progress.done()
  process.stdout.write(renderReport(sections, { colour: process.stdout.isTTY }))
  if (options.json !== undefined) await writeJson(options.json, { options, startedAt, sections })
  if (options.html !== undefined) await writeFile(options.html, htmlReport(sections, { command, at: startedAt }))
}

const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`.trimEnd()

interface Finished {
  readonly options: BenchOptions
  readonly startedAt: Date
  readonly sections: readonly Section[]
}

async function writeJson(file: string, { options, startedAt, sections }: Finished): Promise<void> {
  const { quick, only, seed } = options
  const cpus = os.cpus()
  const document = {
    command,
    startedAt: startedAt.toISOString(),
    tookMs: Date.now() - startedAt.getTime(),
    options: { quick, only },
    seeds: { workload: seed },
    machine: {
      cpus: cpus.length,
      model: cpus[0]?.model,
      memoryBytes: os.totalmem(),
      platform: `${os.platform()} ${os.arch()} ${os.release()}`,
      node: process.version,
      loadAverage: os.loadavg(),
    },
    sections: sections.map(({ part, title, rows, notes, charts = [] }) => ({ part, title, rows, notes, charts })),
  }
  await writeFile(file, `${JSON.stringify(document, undefined, 2)}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killChildren()
    process.exit(130)
  })
}

Promise.race([main(), childFailure]).then(
  () => process.exit(0),
  (error: unknown) => {
    killChildren()
    const text = error instanceof UsageError ? error.message : error instanceof Error ? error.stack : String(error)
    process.stderr.write(`\nThe benchmark could not run: ${text}\n`)
    process.exit(error instanceof UsageError ? 2 : 1)
  },
)
