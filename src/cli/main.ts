#!/usr/bin/env node
/**
 * `quorate` on the command line: finds the command, runs it, and turns its end into an exit code.
 */
import { readFileSync } from 'node:fs'
import { helpOf, Input, type Command } from './command.ts'
import { failureOf, UsageError } from './failure.ts'
import { deleteCommand, getCommand, putCommand, scanCommand } from './key-commands.ts'
import { Output } from './output.ts'
import { quorumsCommand } from './quorums.ts'
import { repairCommand } from './repair.ts'
import { serveCommand } from './serve.ts'
import { simCommand } from './sim.ts'
import { startCommand } from './start.ts'
import { statusCommand } from './status.ts'
import { suggestion } from './suggestion.ts'

const LINGER_MS = 500

const COMMANDS: readonly Command[] = [
  startCommand,
  serveCommand,
  getCommand,
  putCommand,
  deleteCommand,
  scanCommand,
  statusCommand,
  repairCommand,
  simCommand,
  quorumsCommand,
]

function overview(): string {
  const rows = COMMANDS.map(({ name, positionals, summary }) => {
    return `  ${[name, ...positionals].join(' ').padEnd(26)} ${summary}`
  })
  return `quorate ${version()}: a tunable-quorum replicated key-value store

${rows.join('\n')}

quorate COMMAND --help says more; --json prints JSON. To begin: quorate start`
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function commandOf(name: string | undefined): Command {
  if (name === undefined)
    throw new UsageError('no command is given. Begin with quorate start; quorate --help lists all.')
  const command = COMMANDS.find((known) => known.name === name)
  if (command !== undefined) return command
  const near = suggestion(
    name,
    COMMANDS.map((known) => known.name),
  )
  const hint = near === undefined ? 'quorate --help lists them.' : `Did you mean quorate ${near}?`
  throw new UsageError(`there is no command ${JSON.stringify(name)}. ${hint}`)
}

async function run(args: readonly string[], output: Output): Promise<void> {
  const [name, ...rest] = args
  if (name === '--version') return output.tell({ version: version() }, version())
  if (name === '--help' || name === 'help') {
    const asked = name === 'help' ? rest[0] : undefined
    const text = asked === undefined ? overview() : helpOf(commandOf(asked))
    return output.tell({ help: text }, text)
  }
  const command = commandOf(name)
  const input = new Input(command, rest)
  if (input.flag('help')) return output.tell({ help: helpOf(command) }, helpOf(command))
  await command.run(input, output)
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  const json = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json')
  const { stdout, stderr } = process
  const output = new Output({ json, stdout, stderr })
  // Whoever reads this, `head` say, may have seen enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    await run(args, output)
  } catch (error) {
    const failure = failureOf(error)
    if (json) output.tell(failure.data, '')
    output.fail(failure.line)
    process.exitCode = failure.exitCode
    // Whatever it was, nothing that is still open may keep the process.
    setTimeout(() => process.exit(), LINGER_MS).unref()
  }
}

await main()
