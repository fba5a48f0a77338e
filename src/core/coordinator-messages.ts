/**
 * What an operation wants, as messages to replicas.
 *
 * One message object serves all its receivers, where they get the same: a host encodes it once.
 * Ring: machines.
 */
import type { Message } from './message.ts'
import { Get } from './operation/get.ts'
import { Open } from './operation/open.ts'
import type { Operation, Agenda } from './operation/operation.ts'
import { Proposal } from './operation/proposal.ts'
import { Put } from './operation/put.ts'
import { RegisterRead } from './operation/register-read.ts'
import { Scan } from './operation/scan.ts'
import type { Step } from './step.ts'

/** What a replica's clock had told before the operation began. */
type AsOf = (replica: number) => number

export function sendQuestions(operation: Operation, agenda: Agenda, asOf: AsOf, step: Step): void {
  if (operation instanceof Get) sendGet(operation, agenda, asOf, step)
  else if (operation instanceof Put) sendPut(operation, agenda, asOf, step)
  else if (operation instanceof RegisterRead) sendLook(operation, agenda, step)
  else if (operation instanceof Proposal) sendRound(operation, agenda, step)
  else if (operation instanceof Scan) sendScan(operation, agenda, step)
  else if (operation instanceof Open) sendOpen(operation, agenda, step)
}

function sendGet(operation: Get, agenda: Agenda, asOf: AsOf, step: Step): void {
  const { id, round } = operation
  const { key } = operation.plan
  const keyspace = operation.keyspaceFingerprint
  if (agenda.full) sendTo(operation, agenda.full, { kind: 'read', id, round, keyspace, key, digest: false }, step)
  if (agenda.digest) sendTo(operation, agenda.digest, { kind: 'read', id, round, keyspace, key, digest: true }, step)
  sendRecord(operation, key, agenda, asOf, step)
}

function sendPut(operation: Put, agenda: Agenda, asOf: AsOf, step: Step): void {
  const { key, op, at, by, value, expires, seen: context } = operation.plan
  if (agenda.mint && operation.life !== undefined) {
    const { id, round, askedBefore: again } = operation
    const { incarnation, run } = operation.life
    const keyspace = operation.keyspaceFingerprint
    const what = { op, at, by, context, value, expires, again }
    sendTo(operation, agenda.mint, { kind: 'mint', id, round, keyspace, key, incarnation, run, ...what }, step)
  }
  sendRecord(operation, key, agenda, asOf, step)
  if (agenda.keep) sendHints(operation, agenda, asOf, step)
}

/** Each stand-in has its own owner. */
function sendHints(operation: Put, { keep, record }: Agenda, asOf: AsOf, step: Step): void {
  if (record === undefined) return
  const { id, round, list } = operation
  const where = { id, round, keyspace: operation.keyspaceFingerprint, key: operation.plan.key }
  for (let position = 0; position < list.replicas.length; position++) {
    const owner = keep & (1 << position) ? operation.ownerAt(position) : undefined
    if (owner === undefined) continue
    const to = list.replicas[position] as number
    step.send(to, { kind: 'write', ...where, record, owner, asOf: asOf(to), repairs: false })
  }
}

/** Each replica is told its own clock. */
function sendRecord(operation: Get | Put, key: string, { write, record }: Agenda, asOf: AsOf, step: Step): void {
  if (write === 0 || record === undefined) return
  const { id, round, keyspaceFingerprint: keyspace, list } = operation
  const repairs = operation instanceof Get
  for (let position = 0; position < list.replicas.length; position++) {
    if (!(write & (1 << position))) continue
    const to = list.replicas[position] as number
    step.send(to, { kind: 'write', id, round, keyspace, key, record, asOf: asOf(to), repairs })
  }
}

function sendLook(operation: RegisterRead, agenda: Agenda, step: Step): void {
  const { id, round, births } = operation
  const { key } = operation.plan
  const keyspace = operation.keyspaceFingerprint
  if (agenda.full) {
    sendTo(operation, agenda.full, { kind: 'inquire', id, round, keyspace, key, births, digest: false }, step)
  }
  if (agenda.digest) {
    sendTo(operation, agenda.digest, { kind: 'inquire', id, round, keyspace, key, births, digest: true }, step)
  }
  sendProposal(operation, agenda, step)
}

function sendRound(operation: Proposal, agenda: Agenda, step: Step): void {
  const { id, round, ballot, births } = operation
  const { key } = operation.plan
  const keyspace = operation.keyspaceFingerprint
  if (agenda.prepare) {
    sendTo(operation, agenda.prepare, { kind: 'prepare', id, round, keyspace, key, births, ballot }, step)
  }
  sendProposal(operation, agenda, step)
}

function sendProposal(operation: RegisterRead | Proposal, { accept }: Agenda, step: Step): void {
  if (accept === 0) return
  const { id, round, ballot, state, births } = operation
  const { key } = operation.plan
  const keyspace = operation.keyspaceFingerprint
  sendTo(operation, accept, { kind: 'accept', id, round, keyspace, key, births, ballot, state }, step)
}

function sendScan(operation: Scan, agenda: Agenda, step: Step): void {
  if (agenda.scan === 0) return
  const { id, round } = operation
  const { prefix, after, limit } = operation.plan
  const keyspace = operation.keyspaceFingerprint
  sendTo(operation, agenda.scan, { kind: 'scan', id, round, keyspace, prefix, after, limit }, step)
}

function sendOpen(operation: Open, agenda: Agenda, step: Step): void {
  if (agenda.open === 0) return
  const { id, round } = operation
  const { name } = operation.plan
  sendTo(operation, agenda.open, { kind: 'open', id, round, name, ...operation.question }, step)
}

/** One message object for all positions of the mask. */
function sendTo(operation: Operation, mask: number, message: Message, step: Step): void {
  const { replicas } = operation.list
  for (let position = 0; position < replicas.length; position++) {
    if (mask & (1 << position)) step.send(replicas[position] as number, message)
  }
}
