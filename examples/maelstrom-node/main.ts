/**
 * A node of quorate for Maelstrom: reads messages on stdin, writes messages to stdout, and logs to stderr.
 *
 * What runs here is the product, replica and coordinator, host and codec; only the links are Maelstrom's.
 */
import { createInterface } from 'node:readline'
import type { CpKeyspace } from '../../src/index.ts'
import { prepareNode, type Node } from '../../src/runtime/node.ts'
import { serveLinKv } from './lin-kv.ts'
import { MessageNetwork } from './message-network.ts'
import { ERROR, parseMessage, RequestError, type Body, type Message } from './messages.ts'

/** Maelstrom's clients give up after a second, and would not hear what came of it any more. */
const CALL_MS = 1_000
const HEARTBEAT_MS = 250

/** What there is once Maelstrom has said who this node is. */
interface Member {
  readonly id: string
  readonly network: MessageNetwork
  readonly node: Node
  readonly registers: CpKeyspace
}

let joining: Promise<Member> | undefined
let id = ''
let sent = 0

function send(dest: string, body: Body): void {
  process.stdout.write(`${JSON.stringify({ src: id, dest, body } satisfies Message)}\n`)
}

function log(text: string): void {
  process.stderr.write(`${text}\n`)
}

async function join({ node_id: own, node_ids: all }: Body): Promise<Member> {
  if (typeof own !== 'string' || !Array.isArray(all) || !all.includes(own)) {
    throw new RequestError(ERROR.malformedRequest, 'init without node_id, or without node_ids that have it')
  }
  id = own
  const peers = (all as readonly string[]).filter((other) => other !== own)
  const network = new MessageNetwork({ peers, send, log })
  const urls = Object.fromEntries(peers.map((peer) => [peer, `maelstrom:${peer}`]))
  const options = { id: own, peers: urls, timeoutMs: CALL_MS, heartbeatMs: HEARTBEAT_MS }
  const node = await prepareNode(options, undefined, network)
  node.dialPeers(urls)
  const registers = node.keyspace('lin-kv', { mode: 'cp', n: all.length })
  return { id: own, network, node, registers }
}

async function answerTo(body: Body): Promise<Body> {
  if (body.type === 'init') {
    joining ??= join(body)
    await joining
    return { type: 'init_ok' }
  }
  if (joining === undefined) throw new RequestError(ERROR.temporarilyUnavailable, 'this node was not told who it is')
  return serveLinKv((await joining).registers, body)
}

async function received({ src, body }: Message): Promise<void> {
  // What others send before this node has joined is lost, as in any network.
  if (joining !== undefined && (await joining).network.receive(src, body)) return
  // An answer to nothing that was asked, or a request that wants no answer.
  if (body.msg_id === undefined) return
  const reply = { in_reply_to: body.msg_id, msg_id: ++sent }
  try {
    send(src, { ...(await answerTo(body)), ...reply })
  } catch (error) {
    const code = error instanceof RequestError ? error.code : ERROR.crash
    send(src, { type: 'error', code, text: error instanceof Error ? error.message : String(error), ...reply })
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  // Nothing that arrives may end the node.
  Promise.resolve(line)
    .then((text) => received(parseMessage(text)))
    .catch((error: unknown) => log(`a line was dropped: ${String(error)}`))
})
lines.on('close', () => {
  void (async () => {
    await (await joining)?.node.close()
    process.exit()
  })()
})
