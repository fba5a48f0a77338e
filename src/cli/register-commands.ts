/**
 * What `quorate get`, `put`, `delete` and `scan` do with a keyspace of registers.
 */
import { shown } from '../core/base/shape.ts'
import type { ChangeOptions } from '../runtime/call-options.ts'
import type { CpKeyspace } from '../runtime/cp-keyspace.ts'
import type { Changed } from '../runtime/register.ts'
import { jsonText } from '../dashboard/json-text.ts'
import type { Input, Option } from './command.ts'
import { Failed } from './failure.ts'
import type { Output } from './output.ts'

export const REVISION_OPTION: Option = {
  value: 'N',
  help: 'of a register: only if this is its revision, 0 if it must not exist',
}

export async function getRegister(keyspace: CpKeyspace, input: Input, output: Output): Promise<void> {
  const key = input.positional(1)
  const level = input.text('level') ?? 'linearizable'
  if (level !== 'linearizable' && level !== 'stale') {
    throw new Failed(`--level is ${shown(level)}: registers are read linearizable, the default, or stale`)
  }
  const register = await keyspace.get(key, { level })
  if (!register.found) throw new Failed(`not found: key ${shown(key)} in keyspace ${keyspace.name}.`, register)
  output.tell(register, jsonText(register.value))
  if (!output.forPerson) return
  output.remark(`level ${register.receipt.level}, ${register.receipt.ms.toFixed(1)} ms; revision: ${register.revision}`)
}

export async function putRegister(
  keyspace: CpKeyspace,
  what: { readonly key: string; readonly value: unknown },
  { input, output }: { readonly input: Input; readonly output: Output },
): Promise<void> {
  tellChanged(await keyspace.put(what.key, what.value, changeOptions(input)), output)
}

export async function deleteRegister(keyspace: CpKeyspace, input: Input, output: Output): Promise<void> {
  tellChanged(await keyspace.delete(input.positional(1), changeOptions(input)), output)
}

export async function scanRegisters(keyspace: CpKeyspace, input: Input, output: Output): Promise<void> {
  const limit = input.number('limit', { min: 1, max: Number.MAX_SAFE_INTEGER })
  const range = {
    prefix: input.text('prefix') ?? '',
    after: input.text('after') ?? '',
    ...(limit !== undefined && { limit }),
  }
  for await (const { key, entry } of keyspace.scan(range)) {
    const { found, value, revision } = entry
    output.tell({ key, found, value, revision }, `${output.style('cyan', key)}\t${jsonText(value)}`)
  }
}

function changeOptions(input: Input): ChangeOptions {
  for (const option of ['level', 'context']) {
    if (input.text(option) !== undefined) throw new Failed(`--${option} is not for registers: use --if-revision`)
  }
  const ifRevision = input.number('if-revision', { min: 0, max: Number.MAX_SAFE_INTEGER })
  const operation = input.text('operation')
  return { ...(ifRevision !== undefined && { ifRevision }), ...(operation !== undefined && { operation }) }
}

function tellChanged(changed: Changed, output: Output): void {
  const { revision, receipt } = changed
  const text = `ok: revision ${revision}, on ${receipt.reached} of ${Object.keys(receipt.replicas).length} replicas`
  output.tell(changed, `${text} in ${receipt.ms.toFixed(1)} ms`)
}
