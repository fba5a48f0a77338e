/**
 * Reading request bodies as JSON, within bounds for each and for all together.
 */
import type { IncomingMessage } from 'node:http'
import { invalid, QuorateError } from '../core/base/errors.ts'
import type { HttpLimits } from './http-limits.ts'

export class Bodies {
  readonly #limits: HttpLimits
  /** Bytes of all bodies that are held now. */
  #heldBytes = 0

  constructor(limits: HttpLimits) {
    this.#limits = limits
  }

  /**
   * The body as a value. Throws `QUORATE_LIMIT` for one that is too large, before it is buffered where its length is
   * told; `QUORATE_OVERLOADED` when too much is being received already; `QUORATE_INVALID_OPTION` for what is not JSON.
   */
  async json(request: IncomingMessage): Promise<unknown> {
    return parse(await this.#read(request))
  }

  #read(request: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const { bodyBytesMax } = this.#limits
      const chunks: Buffer[] = []
      let bytes = 0
      const end = (): void => {
        this.#heldBytes -= bytes
        bytes = 0
        request.off('data', take).off('end', whole).off('close', cut)
      }
      const refuse = (error: QuorateError): void => {
        end()
        chunks.length = 0
        // What still comes is read and thrown away, until the time for requests is over: closing at once would take
        // the answer away from a client that is still sending.
        request.resume()
        reject(error)
      }
      const take = (chunk: Buffer): void => {
        bytes += chunk.length
        this.#heldBytes += chunk.length
        chunks.push(chunk)
        if (bytes > bodyBytesMax) refuse(tooLarge(bodyBytesMax))
        else if (this.#heldBytes > this.#limits.bodiesBytesMax) refuse(overloaded())
      }
      const whole = (): void => {
        end()
        resolve(Buffer.concat(chunks))
      }
      const cut = (): void => refuse(new QuorateError('QUORATE_ABORTED', 'the request ended before its body did'))
      if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) refuse(tooLarge(bodyBytesMax))
      else request.on('data', take).on('end', whole).on('close', cut)
    })
  }
}

function tooLarge(bytesMax: number): QuorateError {
  return new QuorateError('QUORATE_LIMIT', `the body has more than ${bytesMax} bytes: split the value`)
}

function overloaded(): QuorateError {
  return new QuorateError('QUORATE_OVERLOADED', 'too many bodies are being received: try again later', {
    retry: 'safe',
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(body: Buffer): unknown {
  if (body.length === 0) throw invalid('the body is empty: send the value as JSON, null for an empty one')
  let text: string
  try {
    text = utf8.decode(body)
  } catch (cause) {
    throw new QuorateError('QUORATE_INVALID_OPTION', 'the body is not UTF-8', { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `the body is not JSON: ${(cause as Error).message}`
    throw new QuorateError('QUORATE_INVALID_OPTION', message, { cause })
  }
}
