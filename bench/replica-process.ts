/**
 * One replica of the benchmark, in a process of its own.
 *
 * It opens a node as an application would, except that it learns its peers' addresses once all of them listen, and that
 * it can be made slow or be cut off: what it sends to a receiver is then held back, or dropped.
 */
import { Upkeep } from '../src/core/repair/upkeep.ts'
import { prepareNode, type Node } from '../src/runtime/node.ts'
import { LinkFaults } from '../src/runtime/transport/faults.ts'
import { answerQuestions, tellFailure } from './child.ts'
import { heldBytes } from './heap.ts'

export interface OpenReplica {
  readonly kind: 'open'
  readonly id: string
  readonly peers: readonly string[]
  readonly dataDir: string | undefined
  /** Whether it may be told to be slow; the check for that stands in the way of every frame. */
  readonly faulty: boolean
  /** Whether it keeps no digests: to measure what they cost. */
  readonly bare: boolean
  /** Any free one if left out. */
  readonly port?: number
  /** How often it exchanges with others; as a node does by itself if left out. */
  readonly exchangeMs?: number
}

export type ReplicaQuestion =
  | OpenReplica
  | { readonly kind: 'dial'; readonly urls: Readonly<Record<string, string>> }
  | { readonly kind: 'slow'; readonly to: string; readonly ms: number }
  | { readonly kind: 'cut'; readonly to: readonly string[] }
  | { readonly kind: 'heal' }
  | { readonly kind: 'memory' }
  | { readonly kind: 'cpu' }
  | { readonly kind: 'exchanges' }

const faults = new LinkFaults()
let node: Node | undefined

async function answer(question: ReplicaQuestion): Promise<unknown> {
  switch (question.kind) {
    case 'open': {
      const { id, dataDir, faulty, bare, port = 0, exchangeMs } = question
      if (bare) Upkeep.prototype.note = () => {}
      const peers = Object.fromEntries(question.peers.map((peer) => [peer, '']))
      const core = { ...(dataDir !== undefined && { dataDir }), ...(exchangeMs !== undefined && { exchangeMs }) }
      const options = { id, peers, listen: { port }, onFatal: tellFailure, ...core }
      node = await prepareNode(options, faulty ? faults : undefined)
      return node.url
    }
    case 'dial':
      return node?.dialPeers(question.urls)
    case 'slow':
      return node && faults.delay({ from: node.id, to: question.to, ms: question.ms })
    case 'cut':
      for (const to of question.to) if (node !== undefined) faults.cut({ from: node.id, to })
      return
    case 'heal':
      return faults.clear()
    case 'memory':
      return heldBytes()
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return user + system
    }
    case 'exchanges':
      return node?.status().exchanges
  }
}

answerQuestions(
  (question) => answer(question as ReplicaQuestion),
  async () => node?.close(),
)
