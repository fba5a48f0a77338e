/**
 * The rules about a lock: tokens that only rise, a resource that lets no lower one in, and one holder at a time.
 */
import type { GrantedLine, LockLine } from './leadership-lines.ts'
import { inOrderOf, type Numbered } from './numbered.ts'
import type { Findings } from './verdict.ts'

export interface Lock {
  readonly lock: string
  readonly lines: readonly Numbered<LockLine>[]
  readonly findings: Findings
  /** Whether one holder at a time was promised. */
  readonly exclusive: boolean
}

/** What one token was handed out for. */
interface Tenure {
  readonly holder: string
  readonly token: number
  /** Where it was last granted. */
  number: number
  /** Milliseconds: from here on the holder does not act any more. */
  until: number
  released: boolean
}

export function judgeLock(lock: Lock): void {
  const tenures = new Map<number, Tenure>()
  let highest: Tenure | undefined
  let admitted: { readonly token: number; readonly number: number } | undefined
  for (const { line, number } of inOrderOf(lock.lines, ({ time }) => time)) {
    if (line.type === 'released') {
      const tenure = tenures.get(line.token)
      if (tenure?.holder !== line.holder) continue
      tenure.until = Math.min(tenure.until, line.time)
      tenure.released = true
    } else if (line.type === 'granted') {
      const tenure = tenureOf({ lock, line, number, tenures, highest })
      oneHolder({ lock, line, number, tenures })
      // Whoever learned of it too late for acting holds nothing, and may say so at any time.
      const isInTime = line.until > line.time
      if (isInTime && (highest === undefined || tenure.token > highest.token)) highest = tenure
    } else if (line.accepted) {
      if (admitted !== undefined) lock.findings.count(1)
      if (admitted === undefined || line.token >= admitted.token) admitted = { token: line.token, number }
      else {
        const message = `token ${line.token} was let in (line ${number}) after ${admitted.token} (line ${admitted.number})`
        lock.findings.add({ rule: 'guard', key: lock.lock, message, lines: [admitted.number, number] })
      }
    }
  }
}

interface Granting {
  readonly lock: Lock
  readonly line: GrantedLine
  readonly number: number
  readonly tenures: Map<number, Tenure>
}

/** Takes a grant down, and says so when its token cannot be. */
function tenureOf(granting: Granting & { readonly highest: Tenure | undefined }): Tenure {
  const { lock, line, number, tenures, highest } = granting
  const { holder, token, until, time } = line
  const known = tenures.get(token)
  if (tenures.size > 0) lock.findings.count(1)
  if (known !== undefined && known.holder === holder && !known.released) {
    known.until = until
    known.number = number
    return known
  }
  const tenure = { holder, token, number, until, released: false }
  tenures.set(token, tenure)
  const isLate = until <= time
  const other = known ?? (highest !== undefined && highest.token > token && !isLate ? highest : undefined)
  if (other !== undefined) {
    const message = `${holder} was granted token ${token} (line ${number}) after ${other.holder} had ${other.token} (line ${other.number})`
    lock.findings.add({ rule: 'token', key: lock.lock, message, lines: [other.number, number] })
  }
  return tenure
}

function oneHolder({ lock, line, number, tenures }: Granting): void {
  if (!lock.exclusive || line.until <= line.time) return
  for (const other of tenures.values()) {
    if (other.token === line.token || other.until <= line.time) continue
    const message =
      `${line.holder} was granted token ${line.token} at ${line.time} ms (line ${number}), while ${other.holder} may act ` +
      `with token ${other.token} until ${other.until} ms (line ${other.number})`
    lock.findings.add({ rule: 'two-holders', key: lock.lock, message, lines: [other.number, number] })
  }
}
