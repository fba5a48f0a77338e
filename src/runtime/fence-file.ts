/**
 * Highest tokens in a file: a line of JSON for each that was let pass, on the disk before the gate opens.
 *
 * Lines are appended and flushed. A torn last line is one whose gate never opened, and is dropped. When most lines are
 * old, the file is written anew beside and takes the place of the other.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import path from 'node:path'
import { QuorateError } from '../core/base/errors.ts'
import type { FenceStorage } from './fence-gate.ts'

/** Below so many lines the file is left as it is. */
const LINES_MIN = 1_024

/**
 * Keeps the highest tokens in this file, which one process uses at a time. Throws `QUORATE_STORAGE` for a file that
 * cannot be used.
 */
export function fileFences(file: string): FenceStorage & { close(): void } {
  return new FileFences(file)
}

class FileFences implements FenceStorage {
  readonly #file: string
  readonly #tokens = new Map<string, number>()
  #descriptor: number
  #lines = 0
  /** Set once the disk has failed: what is in the file is not known any more. */
  #failed: QuorateError | undefined

  constructor(file: string) {
    this.#file = file
    try {
      this.#descriptor = openSync(file, 'a+')
      this.#load()
      syncFolder(file)
    } catch (cause) {
      throw broken(file, cause)
    }
  }

  read(resource: string): number | undefined {
    if (this.#failed !== undefined) throw this.#failed
    return this.#tokens.get(resource)
  }

  write(resource: string, token: number): void {
    if (this.#failed !== undefined) throw this.#failed
    try {
      writeSync(this.#descriptor, lineOf(resource, token))
      fsyncSync(this.#descriptor)
      this.#tokens.set(resource, token)
      this.#lines++
      if (this.#lines > LINES_MIN && this.#lines > 2 * this.#tokens.size) this.#rewrite()
    } catch (cause) {
      this.#failed = broken(this.#file, cause)
      throw this.#failed
    }
  }

  close(): void {
    this.#failed ??= broken(this.#file, new Error('it was closed'))
    closeSync(this.#descriptor)
  }

  #load(): void {
    const text = readFileSync(this.#descriptor, 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    for (const line of whole.split('\n').slice(0, -1)) {
      const parsed = JSON.parse(line) as unknown
      const [resource, token] = Array.isArray(parsed) ? (parsed as unknown[]) : []
      if (typeof resource !== 'string' || !Number.isSafeInteger(token))
        throw new Error(`a line makes no sense: ${line}`)
      this.#tokens.set(resource, Math.max(token as number, this.#tokens.get(resource) ?? 0))
      this.#lines++
    }
    if (whole.length < text.length) ftruncateSync(this.#descriptor, Buffer.byteLength(whole))
  }

  #rewrite(): void {
    const beside = `${this.#file}.new`
    const descriptor = openSync(beside, 'w')
    writeSync(descriptor, [...this.#tokens].map(([resource, token]) => lineOf(resource, token)).join(''))
    fsyncSync(descriptor)
    closeSync(descriptor)
    renameSync(beside, this.#file)
    syncFolder(this.#file)
    closeSync(this.#descriptor)
    this.#descriptor = openSync(this.#file, 'a+')
    this.#lines = this.#tokens.size
  }
}

function lineOf(resource: string, token: number): string {
  return `${JSON.stringify([resource, token])}\n`
}

/** A name is durable once its folder is. */
function syncFolder(file: string): void {
  const descriptor = openSync(path.dirname(path.resolve(file)), 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function broken(file: string, cause: unknown): QuorateError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new QuorateError('QUORATE_STORAGE', `the tokens in ${file} cannot be used: ${why}`, { cause })
}
