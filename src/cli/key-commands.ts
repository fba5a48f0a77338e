/**
 * `quorate get`, `put`, `delete` and `scan`: one call each, as a client of the cluster.
 */
import { invalid } from '../core/base/errors.ts'
import type { ApKeyspace } from '../runtime/ap-keyspace.ts'
import type { CpKeyspace } from '../runtime/cp-keyspace.ts'
import type { PutOptions } from '../runtime/call-options.ts'
import type { Client } from '../runtime/client.ts'
import type { Entry, Put } from '../runtime/entry.ts'
import { jsonText } from '../dashboard/json-text.ts'
import { CLIENT_NOTES, CLIENT_OPTIONS, LEVEL_OPTION, levelOf, withClient } from './cluster-client.ts'
import type { Command, Input, Option } from './command.ts'
import { Failed } from './failure.ts'
import type { Output } from './output.ts'
import { deleteRegister, getRegister, putRegister, REVISION_OPTION, scanRegisters } from './register-commands.ts'

const WRITE_OPTIONS: Readonly<Record<string, Option>> = {
  level: LEVEL_OPTION,
  context: { value: 'TEXT', help: 'of a get: what it showed is replaced. Without it, a blind write' },
  operation: { value: 'TEXT', help: 'of a write that failed: it then applies at most once' },
  'if-revision': REVISION_OPTION,
  ...CLIENT_OPTIONS,
}

export const getCommand: Command = {
  name: 'get',
  summary: 'Read a key: its value as JSON, or each sibling on a line of its own.',
  positionals: ['KEYSPACE', 'KEY'],
  options: { level: LEVEL_OPTION, ...CLIENT_OPTIONS },
  notes: CLIENT_NOTES,
  examples: ['quorate get carts alice', 'quorate get carts alice --level all --json'],
  run: (input, output) =>
    withClient(input, async (client) => {
      const [name, key] = [input.positional(0), input.positional(1)]
      const keyspace = await existing(client, name)
      if (keyspace.mode === 'cp') return getRegister(keyspace, input, output)
      const entry = await keyspace.get(key, levelOf(input))
      if (!entry.found) {
        const what = `key ${JSON.stringify(key)} in keyspace ${name}`
        const why = entry.deleted ? 'was deleted' : 'was never written'
        throw new Failed(`not found: ${what} ${why}. Write it with quorate put ${name} ${key} VALUE.`, entry)
      }
      output.tell(entry, entry.siblings.map((sibling) => jsonText(sibling)).join('\n'))
      remarkOn(entry, { name, key }, output)
    }),
}

export const putCommand: Command = {
  name: 'put',
  summary: 'Write a value: JSON, or anything else as a string.',
  positionals: ['KEYSPACE', 'KEY', 'VALUE'],
  options: {
    mode: { value: 'ap|cp', help: 'of a keyspace that is not registered yet; ap by default' },
    ...WRITE_OPTIONS,
  },
  notes: `A keyspace that is not registered is registered with the defaults, with --mode cp those of registers. A value that begins with a dash goes behind --.
Two writes that did not know of each other are kept as siblings: read the key, and write with its context.
${CLIENT_NOTES}`,
  examples: [
    `quorate put carts alice '["milk","tea"]'`,
    'quorate put carts alice bread --level all --context AQIA…',
    'quorate put numbers x -- -5',
    `quorate put accounts bob '{"balance":10}' --mode cp --if-revision 0`,
  ],
  run: (input, output) =>
    withClient(input, async (client) => {
      const value = valueOf(input.positional(2))
      const key = input.positional(1)
      const keyspace = await openFor(client, input)
      if (keyspace.mode === 'cp') return putRegister(keyspace, { key, value }, { input, output })
      tellPut(await keyspace.put(key, value, putOptions(input)), output)
    }),
}

export const deleteCommand: Command = {
  name: 'delete',
  summary: 'Delete a key, with --context only what that context saw.',
  positionals: ['KEYSPACE', 'KEY'],
  options: WRITE_OPTIONS,
  notes: `Without --context the key is read first, and what was read is deleted. ${CLIENT_NOTES}`,
  examples: ['quorate delete carts alice', 'quorate delete carts alice --context AQIA…'],
  run: (input, output) =>
    withClient(input, async (client) => {
      const key = input.positional(1)
      const keyspace = await existing(client, input.positional(0))
      if (keyspace.mode === 'cp') return deleteRegister(keyspace, input, output)
      const options = putOptions(input)
      const context = options.context ?? (await keyspace.get(key)).context
      tellPut(await keyspace.delete(key, { ...options, context }), output)
    }),
}

export const scanCommand: Command = {
  name: 'scan',
  summary: 'List keys in order with their values; a line of JSON each with --json.',
  positionals: ['KEYSPACE'],
  options: {
    prefix: { value: 'TEXT', help: 'only keys that begin with this' },
    after: { value: 'KEY', help: 'only keys behind this one' },
    limit: { value: 'N', help: 'at most so many keys; all by default' },
    level: LEVEL_OPTION,
    ...CLIENT_OPTIONS,
  },
  notes: CLIENT_NOTES,
  examples: ['quorate scan carts --prefix a --limit 10', 'quorate scan carts --json > carts.jsonl'],
  run: (input, output) =>
    withClient(input, async (client) => {
      const limit = input.number('limit', { min: 1, max: Number.MAX_SAFE_INTEGER })
      const keyspace = await existing(client, input.positional(0))
      if (keyspace.mode === 'cp') return scanRegisters(keyspace, input, output)
      const range = {
        prefix: input.text('prefix') ?? '',
        after: input.text('after') ?? '',
        ...(limit !== undefined && { limit }),
        ...levelOf(input),
      }
      for await (const { key, entry } of keyspace.scan(range)) {
        const values = entry.siblings.map((sibling) => jsonText(sibling)).join('\t')
        output.tell({ key, ...entry.toJSON() }, `${output.style('cyan', key)}\t${values}`)
      }
    }),
}

/** Reading must not create what was misspelt. */
async function existing(client: Client, name: string): Promise<ApKeyspace | CpKeyspace> {
  const keyspace = await client.adopt(name)
  if (keyspace !== undefined) return keyspace
  const message = `not found: no keyspace ${name} is registered. The first quorate put ${name} KEY VALUE makes it.`
  throw new Failed(message, { found: false, deleted: false, conflict: false, siblings: [] })
}

/** What a put writes to: the keyspace as it is registered, or a new one. */
async function openFor(client: Client, input: Input): Promise<ApKeyspace | CpKeyspace> {
  const name = input.positional(0)
  const mode = input.text('mode')
  if (mode !== undefined && mode !== 'ap' && mode !== 'cp') throw invalid(`--mode is ${mode}: use ap or cp`)
  if (mode === 'cp') return (await client.adopt(name)) ?? client.keyspace(name, { mode })
  return (mode === undefined ? await client.adopt(name) : undefined) ?? client.keyspace(name)
}

/** JSON where it is JSON, and a string where it is not. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (/^\s*[[{"]/.test(text)) {
      throw invalid(
        `the value begins like JSON and is none: ${text.slice(0, 60)}. Mend it, or quote it as a JSON string.`,
      )
    }
    return text
  }
}

function putOptions(input: Input): PutOptions {
  if (input.text('if-revision') !== undefined) throw invalid('--if-revision is for registers: use --context')
  const context = input.text('context')
  const operation = input.text('operation')
  return {
    ...levelOf(input),
    ...(context !== undefined && { context }),
    ...(operation !== undefined && { operation }),
  }
}

function tellPut(put: Put, output: Output): void {
  const { reached, replicas, ms } = put.receipt
  const text = `ok: on ${reached} of ${Object.keys(replicas).length} replicas in ${ms.toFixed(1)} ms`
  output.tell(put, text)
  if (output.forPerson) output.remark(`context: ${put.context}`)
}

function remarkOn(entry: Entry<unknown>, place: { readonly name: string; readonly key: string }, output: Output): void {
  const { siblings, context, receipt } = entry
  if (entry.conflict) {
    const command = `quorate put ${place.name} ${place.key} VALUE --context ${context}`
    output.remark(`${siblings.length} siblings, written without knowing of each other. To make them one: ${command}`)
    if (!output.forPerson) return
    for (const { deleted, writtenAt, coordinator, session } of entry.versions) {
      const by = session === undefined ? coordinator : `${coordinator}, session ${session}`
      output.remark(`${deleted ? 'deleted' : 'written'} ${writtenAt.toISOString()} by ${by}`)
    }
  } else if (output.forPerson && receipt !== undefined) {
    const strict = receipt.strict ? 'strict' : 'not strict'
    output.remark(`level ${receipt.level}, ${strict}, ${receipt.ms.toFixed(1)} ms; context: ${context}`)
  }
}
