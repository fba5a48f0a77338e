/**
 * What an operation wants, as messages to replicas.
 *
 * One message object serves all its receivers: a host encodes it once.
 * Ring: machines.
 */
import type { Message } from './message.ts'
import { Get } from './operation/get.ts'
import { Open } from './operation/open.ts'
import type { Operation, Todo } from './operation/operation.ts'
import { Put } from './operation/put.ts'
import { Scan } from './operation/scan.ts'
import type { Step } from './step.ts'

export function sendQuestions(operation: Operation, todo: Todo, step: Step): void {
  if (operation instanceof Get) sendGet(operation, todo, step)
  else if (operation instanceof Put) sendPut(operation, todo, step)
  else if (operation instanceof Scan) sendScan(operation, todo, step)
  else if (operation instanceof Open) sendOpen(operation, todo, step)
}

function sendGet(operation: Get, todo: Todo, step: Step): void {
  const { id, round } = operation
  const { key } = operation.plan
  const keyspace = operation.keyspaceFingerprint
  if (todo.full) sendTo(operation, todo.full, { kind: 'read', id, round, keyspace, key, digest: false }, step)
  if (todo.digest) sendTo(operation, todo.digest, { kind: 'read', id, round, keyspace, key, digest: true }, step)
  sendRecord(operation, key, todo, step)
}

function sendPut(operation: Put, todo: Todo, step: Step): void {
  const { key, at, value } = operation.plan
  if (todo.mint) {
    const { id, round, op, context, retried: again } = operation
    const keyspace = operation.keyspaceFingerprint
    sendTo(operation, todo.mint, { kind: 'mint', id, round, keyspace, key, op, at, context, value, again }, step)
  }
  sendRecord(operation, key, todo, step)
}

function sendRecord(operation: Get | Put, key: string, { write, record }: Todo, step: Step): void {
  if (write === 0 || record === undefined) return
  const { id, round } = operation
  sendTo(operation, write, { kind: 'write', id, round, keyspace: operation.keyspaceFingerprint, key, record }, step)
}

function sendScan(operation: Scan, todo: Todo, step: Step): void {
  if (todo.scan === 0) return
  const { id, round } = operation
  const { prefix, after, limit } = operation.plan
  const keyspace = operation.keyspaceFingerprint
  sendTo(operation, todo.scan, { kind: 'scan', id, round, keyspace, prefix, after, limit }, step)
}

function sendOpen(operation: Open, todo: Todo, step: Step): void {
  if (todo.open === 0) return
  const { id, round } = operation
  const { name } = operation.plan
  sendTo(operation, todo.open, { kind: 'open', id, round, name, ...operation.question }, step)
}

/** One message object for all positions of the mask. */
function sendTo(operation: Operation, mask: number, message: Message, step: Step): void {
  const { replicas } = operation.list
  for (let position = 0; position < replicas.length; position++) {
    if (mask & (1 << position)) step.send(replicas[position] as number, message)
  }
}
