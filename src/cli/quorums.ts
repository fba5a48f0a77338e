/**
 * `quorate quorums`: proves a quorum system, and shows what it survives and what it costs; or recommends one.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Objective, QuorumSystem, StrategyOptions } from '../quorum/index.ts'
import { usage, type Command, type Input } from './command.ts'
import { Failed, UsageError } from './failure.ts'
import type { Output } from './output.ts'
import type { Report } from './quorums-text.ts'

export const quorumsCommand: Command = {
  name: 'quorums',
  summary: 'Prove a quorum system, and show what it survives and what it costs.',
  positionals: [],
  options: {
    write: { value: 'EXPR', help: 'which nodes make a write; the dual of --read if left out' },
    read: { value: 'EXPR', help: 'which nodes make a read; the dual of --write if left out' },
    zone: { value: 'Z=A,B', multiple: true, help: 'the nodes of a zone, for @Z in an expression' },
    'read-fraction': { value: 'F', help: 'which part of the operations are reads, 0.5 by default' },
    latency: { value: 'A=MS,…', help: 'milliseconds to every node' },
    capacity: { value: 'A=N,…', help: 'operations a second of every node; N/M for reads and writes apart' },
    objective: { value: 'NAME', help: 'what is to be least: load, the default, latency or network' },
    survive: { value: 'N', help: 'ask sets that stay quorums after N failures; with --recommend, 1 by default' },
    down: { value: 'A,B', help: 'nodes that do not answer: what can be served without them' },
    recommend: { value: 'NODES', help: 'try a family of systems over these nodes; @Z for those of a zone' },
    tables: { help: 'what majorities and levels survive, by number of replicas' },
  },
  notes: `An expression is made of names, and, or, K of (…), majority of, all of, any of, votes as in 3 of (a*2, b, c), and zones as @eu.
It exits with 1 when reads and writes do not all meet, and names two sets that do not.`,
  examples: [
    "quorate quorums --write '2 of (a, b, c) or 1 of (d, e)'",
    "quorate quorums --write 'majority of @eu and any of @us' --zone eu=a,b,c --zone us=d,e --read-fraction 0.9",
    'quorate quorums --recommend a,b,c,d,e --read-fraction 0.9 --latency a=1,b=2,c=40,d=41,e=80 --objective latency',
  ],
  run: quorums,
}

const QUORUMS_SHOWN = 8

async function quorums(input: Input, output: Output): Promise<void> {
  // Loaded here, so that the other commands do without the solver.
  const text = await import('./quorums-text.ts')
  if (input.flag('tables')) {
    refuseBeside('tables', ALL_BUT_TABLES, input)
    const tables = await tablesOf()
    return output.tell(tables, text.tablesText(tables))
  }
  if (input.text('recommend') !== undefined) {
    refuseBeside('recommend', ['write', 'read', 'down'], input)
    return tellRecommended(input, output)
  }
  const [read, write] = [input.text('read'), input.text('write')]
  if (read === undefined && write === undefined) {
    throw wrong('nothing is given: use --write, --read, --recommend or --tables')
  }
  const system = await systemOf({ read, write }, zonesOf(input))
  const derived = read === undefined ? 'read' : write === undefined ? 'write' : undefined
  const report = reportOf({ input, system, derived })
  output.tell(report, text.reportText(report, output))
}

const ALL_BUT_TABLES = Object.keys(quorumsCommand.options).filter((option) => option !== 'tables')

/** What would not be looked at must not seem to have been. */
function refuseBeside(option: string, others: readonly string[], input: Input): void {
  for (const other of others) {
    const given = other === 'zone' ? input.texts(other).length > 0 : input.text(other) !== undefined
    if (given) throw wrong(`--${option} takes no --${other}: leave one of them out`)
  }
}

async function tablesOf(): Promise<Parameters<typeof import('./quorums-text.ts').tablesText>[0]> {
  const { availabilityTable, failureTable } = await import('../quorum/index.ts')
  const levels = ['one', 'two', 'quorum', 'all'] as const
  return {
    failures: failureTable([1, 2, 3, 4, 5, 6, 7, 8, 9]),
    pUp: 0.99,
    availability: availabilityTable({ factors: [1, 2, 3, 5, 7], levels, pUp: 0.99 }),
  }
}

type Zones = Readonly<Record<string, readonly string[]>>

async function systemOf(
  sides: { readonly read: string | undefined; readonly write: string | undefined },
  zones: Zones,
): Promise<QuorumSystem> {
  const { parseQuorums } = await import('../quorum/index.ts')
  for (const [side, text] of Object.entries(sides)) {
    if (text !== undefined) attempt(() => parseQuorums({ [side]: text, zones }), { before: `--${side}, ` })
  }
  const { read, write } = sides
  return parseQuorums({ zones, ...(read !== undefined && { read }), ...(write !== undefined && { write }) })
}

function reportOf(given: {
  readonly input: Input
  readonly system: QuorumSystem
  readonly derived: 'read' | 'write' | undefined
}): Report {
  const { input, system, derived } = given
  const down = input.text('down')
  const alive = system.nodes.filter((node) => !listOf(down ?? '').includes(node))
  for (const node of listOf(down ?? '')) {
    if (!system.nodes.includes(node)) throw wrong(`--down names ${node}: use ${system.nodes.join(', ')}`)
  }
  const options = strategyOptions(input)
  const failures = input.number('survive', { min: 0, max: 31 })
  const { latencies } = options
  const resilience = bounded(() => system.resilience)
  const fragile = failures !== undefined && 'both' in resilience && resilience.both < failures
  return {
    read: system.read,
    write: system.write,
    derived: derived ?? null,
    nodes: system.nodes,
    meet: true,
    quorums: {
      read: bounded(() => listing(system.readQuorums(), input)),
      write: bounded(() => listing(system.writeQuorums(), input)),
    },
    resilience,
    fatal: bounded(() => fatalOf(system)),
    readFraction: options.readFraction as number,
    strategy: bounded(() =>
      attempt(() => system.strategy({ ...options, ...(failures !== undefined && { failuresToSurvive: failures }) }), {
        fails: fragile,
      }),
    ),
    ...(down !== undefined && {
      now: attempt(() => system.explain({ alive, ...(latencies !== undefined && { latencies }) })),
    }),
  }
}

function fatalOf(system: QuorumSystem): { read: readonly string[]; write: readonly string[] } {
  const { read, write } = system.explain()
  return { read: read.fatal, write: write.fatal }
}

function listing(all: string[][], input: Input): { count: number; first: string[][] } {
  return { count: all.length, first: input.flag('json') ? all : all.slice(0, QUORUMS_SHOWN) }
}

/** What is too large to show is said in its place. */
function bounded<Result>(run: () => Result): Result | { readonly limit: string } {
  try {
    return run()
  } catch (error) {
    if (error instanceof QuorateError && error.code === 'QUORATE_LIMIT') return { limit: error.message }
    throw error
  }
}

/** What the library finds wrong with an option is wrong with the command line, unless the finding is the answer. */
function attempt<Result>(run: () => Result, { before = '', fails = false } = {}): Result {
  try {
    return run()
  } catch (error) {
    if (error instanceof QuorateError && error.code === 'QUORATE_INVALID_OPTION') {
      if (fails) throw new Failed(error.message)
      // What marks a place under the text says enough, and nothing may stand behind the mark.
      throw error.message.includes('\n')
        ? new UsageError(before + error.message.trimEnd())
        : wrong(before + error.message)
    }
    throw error
  }
}

async function tellRecommended(input: Input, output: Output): Promise<void> {
  const { recommend } = await import('../quorum/index.ts')
  const { recommendedText, reasonsText } = await import('./quorums-text.ts')
  const zones = zonesOf(input)
  const nodes = listOf(input.text('recommend') ?? '').flatMap((entry) => {
    if (!entry.startsWith('@')) return [entry]
    const members = zones[entry.slice(1)]
    if (members === undefined) throw wrong(`--recommend names ${entry}: give its nodes with --zone`)
    return members
  })
  const failures = input.number('survive', { min: 0, max: 31 })
  const found = attempt(() =>
    recommend({
      nodes,
      ...(Object.keys(zones).length > 0 && { zones }),
      ...(failures !== undefined && { failuresToSurvive: failures }),
      ...strategyOptions(input),
    }),
  )
  if (found.best.length === 0) throw new Failed(`no system fits: ${reasonsText(found)}`, found)
  output.tell(found, recommendedText(found, output))
}

function strategyOptions(input: Input): StrategyOptions {
  const latencies = input.text('latency')
  const capacities = input.text('capacity')
  const objective = input.text('objective')
  const fraction = input.text('read-fraction') ?? '0.5'
  return {
    readFraction: numberOf(fraction, '--read-fraction'),
    ...(latencies !== undefined && { latencies: valuesOf(latencies, { name: '--latency', parse: numberOf }) }),
    ...(capacities !== undefined && { capacities: valuesOf(capacities, { name: '--capacity', parse: capacityOf }) }),
    ...(objective !== undefined && { objective: objective as Objective }),
  }
}

function zonesOf(input: Input): Zones {
  const zones = input.texts('zone').map((text): [string, readonly string[]] => {
    const [zone = '', nodes = ''] = text.split(/=(.*)/s)
    if (zone === '' || listOf(nodes).length === 0) throw wrong(`--zone is ${JSON.stringify(text)}: use eu=a,b,c`)
    return [zone, listOf(nodes)]
  })
  return byName(zones, '--zone')
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

function valuesOf<Value>(
  text: string,
  { name, parse }: { readonly name: string; readonly parse: (value: string, name: string) => Value },
): Record<string, Value> {
  const values = listOf(text).map((entry): [string, Value] => {
    const [node = '', value = ''] = entry.split(/=(.*)/s)
    return [node, parse(value, name)]
  })
  return byName(values, name)
}

function byName<Value>(entries: readonly (readonly [string, Value])[], option: string): Record<string, Value> {
  const values = new Map(entries)
  if (values.size === entries.length) return Object.fromEntries(values)
  const twice = entries.find(([name], index) => entries.findIndex((entry) => entry[0] === name) !== index)
  throw wrong(`${option} names ${twice?.[0] ?? ''} twice: give all of it at once`)
}

function numberOf(text: string, name: string): number {
  const value = /^\d{1,12}(\.\d{1,12})?$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(value)) throw wrong(`${name} has ${JSON.stringify(text)}: use a number such as 0.9`)
  return value
}

function capacityOf(text: string, name: string): number | { readonly read: number; readonly write: number } {
  const [read = '', write] = text.split('/')
  if (write === undefined) return numberOf(read, name)
  return { read: numberOf(read, name), write: numberOf(write, name) }
}

function wrong(problem: string): UsageError {
  return usage(quorumsCommand, problem)
}
