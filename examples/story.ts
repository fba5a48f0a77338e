/**
 * What the examples have in common: telling their story line by line, and waiting for what the cluster has to notice.
 */

/** Prints a line of the story. */
export function tell(line: string): void {
  console.log(line)
}

/** Waits until something holds; a story in which it never does fails. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

interface Sees {
  status(): { readonly replicas: Readonly<Record<string, { readonly state: string }>> }
}

/** Waits until a node has noticed which members it reaches, itself included: these, and the others are given up. */
export function reaches(node: Sees, ...ids: readonly string[]): Promise<void> {
  const givenUp = new Set(['unreachable', 'one-way'])
  return until(`${ids.join(' and ')} are reached, and nobody else`, () =>
    Object.entries(node.status().replicas).every(([id, { state }]) => {
      return ids.includes(id) ? state === 'reachable' : givenUp.has(state)
    }),
  )
}

/** The code of an error of quorate; other errors are thrown on. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}
