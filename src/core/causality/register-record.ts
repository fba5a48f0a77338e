/**
 * Registers as records among others: which of two copies is further, and the digest by which copies are compared.
 *
 * A copy is what was accepted. What its acceptor has promised belongs to that acceptor alone, so it makes no copies
 * differ; an acceptor that has only promised holds nothing yet.
 * Ring: values.
 */
import { compareBallots, NO_BALLOT } from '../base/ballot.ts'
import { Digest } from '../base/hash.ts'
import type { RegisterRecord } from '../record.ts'

/**
 * The copy with the higher accepted ballot, for those who compare copies. It is no acceptor's record: an acceptor takes
 * another one's copy by the rule in consensus/acceptor.ts, which looks at its promise.
 */
export function mergeRegisters(a: RegisterRecord, b: RegisterRecord): RegisterRecord {
  return compareBallots(a.accepted, b.accepted) < 0 ? b : a
}

/** One ballot stands for one state, ever. 0, as for no record, while nothing was accepted. */
export function digestRegister({ accepted }: RegisterRecord): number {
  if (compareBallots(accepted, NO_BALLOT) === 0) return 0
  const digest = new Digest()
  digest.add(accepted.counter)
  digest.add(accepted.proposer)
  digest.add(accepted.step)
  return digest.value()
}
