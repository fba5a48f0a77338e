/**
 * Maelstrom's workload lin-kv over a keyspace of linearizable registers.
 */
import { isDeepStrictEqual } from 'node:util'
import { QuorateError, type CpKeyspace } from '../../src/index.ts'
import { ERROR, RequestError, type Body } from './messages.ts'

/** Carries one request out and gives the body of the answer. Throws a `RequestError` where there is none. */
export async function serveLinKv(registers: CpKeyspace, body: Body): Promise<Body> {
  try {
    return await serve(registers, body)
  } catch (error) {
    throw error instanceof QuorateError ? requestErrorOf(error) : error
  }
}

async function serve(registers: CpKeyspace, body: Body): Promise<Body> {
  switch (body.type) {
    case 'read': {
      const key = keyOf(body)
      const { found, value } = await registers.get(key)
      if (!found) throw noSuchKey(key)
      return { type: 'read_ok', value }
    }
    case 'write':
      await registers.put(keyOf(body), fieldOf(body, 'value'))
      return { type: 'write_ok' }
    case 'cas': {
      const [key, from, to] = [keyOf(body), fieldOf(body, 'from'), fieldOf(body, 'to')]
      // One round decides on the value and changes it; what is thrown ends it and leaves the value as it is.
      await registers.update(key, (value) => {
        if (value === undefined) throw noSuchKey(key)
        if (isDeepStrictEqual(value, from)) return to
        const told = `expected ${JSON.stringify(from)}, had ${JSON.stringify(value)}`
        throw new RequestError(ERROR.preconditionFailed, told)
      })
      return { type: 'cas_ok' }
    }
    default:
      throw new RequestError(ERROR.notSupported, `there is no request of type ${JSON.stringify(body.type)}`)
  }
}

/** Keys may be of any type; equal ones have equal texts. */
function keyOf(body: Body): string {
  return JSON.stringify(fieldOf(body, 'key'))
}

function fieldOf(body: Body, field: string): unknown {
  const value = body[field]
  if (value !== undefined) return value
  throw new RequestError(ERROR.malformedRequest, `${body.type} without ${JSON.stringify(field)}`)
}

function noSuchKey(key: string): RequestError {
  return new RequestError(ERROR.keyDoesNotExist, `key ${key} does not exist`)
}

/** Definite where the outcome is: Maelstrom takes what it says for the truth. */
function requestErrorOf({ code, outcome, message }: QuorateError): RequestError {
  if (outcome !== 'none') return new RequestError(code === 'QUORATE_TIMEOUT' ? ERROR.timeout : ERROR.crash, message)
  const isRequestWrong = code === 'QUORATE_INVALID_OPTION' || code === 'QUORATE_LIMIT'
  return new RequestError(isRequestWrong ? ERROR.malformedRequest : ERROR.temporarilyUnavailable, message)
}
