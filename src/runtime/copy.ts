/**
 * One replica's own copy of a key, as it lies there: what divergence looks like from the inside.
 */
import { versionsOf } from '../core/causality/merge.ts'
import { isGone } from '../core/causality/tombstone.ts'
import { definitionFingerprint, type KeyspaceDefinition } from '../core/keyspace-definition.ts'
import type { Storage } from './storage/storage.ts'
import { decodeValue } from './value-codec.ts'

export interface Copy {
  readonly mode: KeyspaceDefinition['mode']
  /** Of an AP keyspace every sibling, of a register its one value; empty where there is none. */
  readonly values: readonly unknown[]
  /** Of a register. */
  readonly revision: number | undefined
}

export function copyOf(storage: Storage, definition: KeyspaceDefinition, key: string): Copy {
  const { mode } = definition
  const record = storage.read(definitionFingerprint(definition), key)
  if (record?.kind === 'register') {
    const { value, revision } = record.state
    return { mode, values: value === null ? [] : [decodeValue(value)], revision: value === null ? 0 : revision }
  }
  const now = Date.now()
  const live = versionsOf(record).filter((version) => !isGone(version, now))
  const values = live.map(({ value }) => decodeValue(value as Uint8Array))
  return { mode, values, revision: mode === 'cp' ? 0 : undefined }
}
