/**
 * `npm run campaign`: many faults on real processes, for as long as it takes. The tests run a short one.
 */
import { writeFileSync } from 'node:fs'
import { printHistory } from '../../../src/check/index.ts'
import { Output } from '../../../src/cli/output.ts'
import { buildCli } from '../built-cli.ts'
import { killAll } from '../replica.ts'
import { runCampaign, type CampaignResult } from './campaign.ts'
import { FAULTS } from './faults.ts'
import { HELP, parseOptions, UsageError, type CommandLine } from './options.ts'

const SHOWN_MAX = 10

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) {
    process.stdout.write(HELP)
    return
  }
  const output = new Output({ json: options.json, stdout: process.stdout, stderr: process.stderr })
  const { target, replicas, seed, history } = options
  output.remark(`${target}, ${replicas} replicas, seed ${seed}`)
  const built = buildCli()
  const startedAtMs = performance.now()
  const progress = (done: number, all: number, next: string): void => {
    const seconds = Math.round((performance.now() - startedAtMs) / 1_000)
    output.progress(`${done} of ${all} faults in ${seconds} s, now: ${next}`)
  }
  try {
    const result = await runCampaign({ ...options, main: built.main, progress })
    if (history !== undefined) writeFileSync(history, printHistory(result.history))
    tell(result, options, output)
  } finally {
    killAll()
    built.remove()
  }
}

function tell(result: CampaignResult, options: CommandLine, output: Output): void {
  const { history, violations, recoveries, checked, operations, late, leaders, seconds } = result
  const { target, replicas, leaseMs, seed } = options
  const { ok, fail, info } = operations
  const rows = FAULTS.flatMap((fault) => {
    const recovery = recoveries[fault]
    if (recovery === undefined) return []
    const { count, p50Ms, maxMs, termsMax } = recovery
    const terms = target === 'registers' ? '' : `, at most ${termsMax} terms at work`
    return [`  ${fault.padEnd(8)} ${String(count).padStart(4)} times: p50 ${p50Ms} ms, slowest ${maxMs} ms${terms}`]
  })
  const led = target === 'registers' ? '' : `${leaders} leaders\n`
  const lateActs =
    target === 'registers' || target === 'leader'
      ? ''
      : `late acts: ${late.refusedByReplicas} refused by replicas, ${late.refusedByGate} by the gate, ` +
        `${late.accepted} before anybody else had acted\n`
  const text =
    `From the fault to the next acknowledged change, with a lease of ${leaseMs} ms:\n${rows.join('\n')}\n` +
    `${seconds.toFixed(0)} s; ${ok} calls ok, ${fail} certainly not, ${info} unknown\n${led}${lateActs}` +
    `${checked.linearizable + checked.leadership} observations judged: ` +
    (violations.length === 0 ? output.style('green', 'no promise was broken') : output.style('red', 'broken'))
  const { history: _, ...figures } = result
  output.tell({ target, replicas, leaseMs, seed, lines: history.length, ...figures }, text)
  for (const violation of violations.slice(0, SHOWN_MAX)) output.fail(violation)
  if (violations.length > 0) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  process.stderr.write(`campaign: ${error instanceof Error ? error.message : String(error)}\n`)
  if (error instanceof UsageError) process.stderr.write('See npm run campaign -- --help.\n')
  process.exitCode = error instanceof UsageError ? 2 : 1
}
