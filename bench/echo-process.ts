/**
 * A server that does no work: for each frame of requests it sends a frame of as many answers, once per event-loop turn.
 *
 * It looks at nothing but the length of what comes, and what it sends has the right size and no content. On `addressed`
 * links it does the least that any protocol with several answers in a frame must do: it reads the number of each
 * request and writes it into the answer.
 */
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { answerQuestions } from './child.ts'
import { NUMBER_AT, type EchoLink } from './echo-link.ts'

const ANSWERS_MAX = 8192

let server: WebSocketServer | undefined

async function start(): Promise<number> {
  const started = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  server = started
  started.on('connection', (socket, request) => {
    const link = JSON.parse(decodeURIComponent((request.url ?? '').slice(2))) as EchoLink
    if (link.addressed) answerEach(socket, link)
    else answerFrames(socket, link)
  })
  await new Promise((resolve) => started.once('listening', resolve))
  return (started.address() as AddressInfo).port
}

function answerFrames(socket: WebSocket, { headBytes, requestBytes, answerBytes }: EchoLink): void {
  const block = Buffer.alloc(headBytes + ANSWERS_MAX * answerBytes)
  let answers = 0
  const flush = (): void => {
    for (; answers > 0; answers -= Math.min(answers, ANSWERS_MAX)) {
      socket.send(block.subarray(0, headBytes + Math.min(answers, ANSWERS_MAX) * answerBytes))
    }
  }
  socket.on('message', (data: Buffer) => {
    if (answers === 0) setImmediate(flush)
    answers += (data.length - headBytes) / requestBytes
  })
}

function answerEach(socket: WebSocket, { headBytes, requestBytes, answerBytes }: EchoLink): void {
  const block = Buffer.alloc(headBytes + ANSWERS_MAX * answerBytes)
  let end = headBytes
  const flush = (): void => {
    if (end > headBytes) socket.send(Buffer.from(block.subarray(0, end)))
    end = headBytes
  }
  socket.on('message', (data: Buffer) => {
    if (end === headBytes) setImmediate(flush)
    for (let at = headBytes; at < data.length; at += requestBytes) {
      if (end === block.length) flush()
      block.writeDoubleLE(data.readDoubleLE(at + NUMBER_AT), end + NUMBER_AT)
      end += answerBytes
    }
  })
}

answerQuestions(start, async () => server?.close())
