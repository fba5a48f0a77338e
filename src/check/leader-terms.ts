/**
 * The rules about a group's leaders: one for each term, terms that only rise, and an end to the old leader's answers
 * once a new one has given any.
 */
import type { AckLine, GroupLine, LeaderLine, LocalReadLine, VotedLine } from './leadership-lines.ts'
import { inOrderOf, type Numbered } from './numbered.ts'
import type { Findings } from './verdict.ts'

export interface Group {
  readonly group: string
  readonly lines: readonly Numbered<GroupLine>[]
  readonly findings: Findings
}

/** What a leader answered. */
type Answer = AckLine | LocalReadLine
/** What only a leader does. */
type Deed = Answer | (LeaderLine & { readonly type: 'elected' })

export function judgeGroup(group: Group): void {
  oneLeaderOfEachTerm(group)
  votesOnlyRise(group)
  electionsOnlyRise(group)
  noAnswerAfterANewerTerm(group)
  noStaleRead(group)
}

const DEEDS = { elected: 'was elected', ack: 'acknowledged a write', localread: 'answered a read' } as const

const isVote = (numbered: Numbered<GroupLine>): numbered is Numbered<VotedLine> => numbered.line.type === 'voted'
const isElected = (numbered: Numbered<GroupLine>): numbered is Numbered<LeaderLine> => numbered.line.type === 'elected'
const isAck = (numbered: Numbered<GroupLine>): numbered is Numbered<AckLine> => numbered.line.type === 'ack'
const isLocalRead = (numbered: Numbered<GroupLine>): numbered is Numbered<LocalReadLine> =>
  numbered.line.type === 'localread'
const isAnswer = (numbered: Numbered<GroupLine>): numbered is Numbered<Answer> =>
  numbered.line.type === 'ack' || numbered.line.type === 'localread'
const isDeed = (numbered: Numbered<GroupLine>): numbered is Numbered<Deed> => numbered.line.type in DEEDS

function oneLeaderOfEachTerm({ group, lines, findings }: Group): void {
  const leaders = new Map<number, Numbered<Deed>>()
  const accused = new Set<string>()
  for (const numbered of inOrderOf(lines.filter(isDeed), ({ time }) => time)) {
    const { line, number } = numbered
    const first = leaders.get(line.term)
    if (first === undefined) {
      leaders.set(line.term, numbered)
      continue
    }
    findings.count(1)
    const pair = `${line.term} ${line.node}`
    if (first.line.node === line.node || accused.has(pair)) continue
    accused.add(pair)
    const message =
      `${line.node} ${DEEDS[line.type]} as the leader of term ${line.term} (line ${number}), ` +
      `which was ${first.line.node}'s (line ${first.number})`
    findings.add({ rule: 'two-leaders', key: group, message, lines: [first.number, number] })
  }
}

function votesOnlyRise({ group, lines, findings }: Group): void {
  const last = new Map<string, Numbered<VotedLine>>()
  for (const vote of inOrderOf(lines.filter(isVote), ({ time }) => time)) {
    const { node, term, candidate } = vote.line
    const before = last.get(node)
    if (before === undefined || before.line.term < term) last.set(node, vote)
    if (before === undefined) continue
    findings.count(1)
    if (before.line.term < term) continue
    if (before.line.term === term && before.line.candidate === candidate) continue
    const message =
      `${node} voted for ${candidate} in term ${term} (line ${vote.number}) after it had voted for ` +
      `${before.line.candidate} in term ${before.line.term} (line ${before.number})`
    const rule = before.line.term === term ? 'two-votes' : 'back'
    findings.add({ rule, key: group, message, lines: [before.number, vote.number] })
  }
}

function electionsOnlyRise({ group, lines, findings }: Group): void {
  const last = new Map<string, Numbered<LeaderLine>>()
  for (const election of inOrderOf(lines.filter(isElected), ({ time }) => time)) {
    const { node, term } = election.line
    const before = last.get(node)
    last.set(node, election)
    if (before === undefined) continue
    findings.count(1)
    if (before.line.term < term) continue
    const message =
      `${node} was elected for term ${term} (line ${election.number}) after it had been for term ` +
      `${before.line.term} (line ${before.number})`
    findings.add({ rule: 'back', key: group, message, lines: [before.number, election.number] })
  }
}

function noAnswerAfterANewerTerm({ group, lines, findings }: Group): void {
  const acks = inOrderOf(lines.filter(isAck), ({ time }) => time)
  let passed = 0
  let newest: Numbered<AckLine> | undefined
  for (const { line, number } of inOrderOf(lines.filter(isAnswer), ({ start }) => start)) {
    for (let ack = acks[passed]; ack !== undefined && ack.line.time < line.start; ack = acks[++passed]) {
      if (newest === undefined || ack.line.term > newest.line.term) newest = ack
    }
    if (newest === undefined) continue
    findings.count(1)
    if (line.term >= newest.line.term) continue
    const message =
      `${line.node} ${DEEDS[line.type]} in term ${line.term} (line ${number}), begun after ${newest.line.node} had ` +
      `acknowledged a write in term ${newest.line.term} (line ${newest.number})`
    findings.add({ rule: 'fenced', key: group, message, lines: [newest.number, number] })
  }
}

function noStaleRead({ group, lines, findings }: Group): void {
  const acks = inOrderOf(lines.filter(isAck), ({ time }) => time)
  let passed = 0
  let highest: Numbered<AckLine> | undefined
  for (const { line, number } of inOrderOf(lines.filter(isLocalRead), ({ start }) => start)) {
    for (let ack = acks[passed]; ack !== undefined && ack.line.time < line.start; ack = acks[++passed]) {
      if (highest === undefined || ack.line.seq > highest.line.seq) highest = ack
    }
    if (highest === undefined || line.seen === undefined) continue
    findings.count(1)
    if (line.seen >= highest.line.seq) continue
    const message =
      `${line.node} answered a read in term ${line.term} with write ${line.seen} (line ${number}), begun after write ` +
      `${highest.line.seq} had been acknowledged (line ${highest.number})`
    findings.add({ rule: 'stale', key: group, message, lines: [highest.number, number] })
  }
}
