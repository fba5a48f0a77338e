/**
 * What a coordinator is asked to do.
 *
 * Ring: machines (types only).
 */
import type { CausalContext } from './causality/causal-context.ts'
import type { Change } from './consensus/change.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Keyspace } from './operation/keyspace.ts'
import type { OperationId } from './operation/operation-name.ts'
import type { Repair } from './options.ts'
import type { Level } from './quorum/level.ts'

interface CallBase {
  /** Comes back with the reply. */
  readonly tag: unknown
  readonly timeoutMs?: number | undefined
}

interface KeyCall extends CallBase {
  readonly keyspace: Keyspace
  readonly key: string
  readonly level?: Level | undefined
}

export interface GetCall extends KeyCall {
  readonly kind: 'get'
  readonly repair?: Repair | undefined
  readonly atLeast?: CausalContext | undefined
}

/** Also a delete, with `null` for the value. */
export interface PutCall extends KeyCall {
  readonly kind: 'put'
  readonly value: Uint8Array | null
  readonly context?: CausalContext | undefined
  /** How long the value is to stay; the keyspace's by default, `Infinity` for always. */
  readonly ttlMs?: number | undefined
  /** The id of the session that writes. */
  readonly session?: string | undefined
  /** The identity of an earlier attempt. */
  readonly operation?: OperationId | undefined
}

export interface ScanCall extends CallBase {
  readonly kind: 'scan'
  readonly keyspace: Keyspace
  readonly level?: Level | undefined
  readonly prefix: string
  readonly after: string
  readonly limit: number
}

/** A read of a register. */
export interface LookCall extends CallBase {
  readonly kind: 'look'
  readonly keyspace: Keyspace
  readonly key: string
  /** Whether one replica's answer is enough. */
  readonly stale: boolean
}

/** A change of a register. */
export interface ChangeCall extends CallBase {
  readonly kind: 'change'
  readonly keyspace: Keyspace
  readonly key: string
  readonly change: Change
  /** The fencing token that it carries. */
  readonly token?: number | undefined
  /** The identity of an earlier attempt; for a fence that of the operation that it is about. */
  readonly operation?: OperationId | undefined
}

export interface OpenCall extends CallBase {
  readonly kind: 'open'
  readonly name: string
  readonly definition: KeyspaceDefinition | undefined
}

export type Call = GetCall | PutCall | LookCall | ChangeCall | ScanCall | OpenCall
