/**
 * Which known word a misspelt one was meant to be.
 */

/** The nearest of the names, if it is near enough to be a slip: two letters changed places, say. */
export function suggestion(word: string, names: readonly string[]): string | undefined {
  const allowed = word.length > 3 ? 2 : 1
  let best: string | undefined
  let fewest = allowed + 1
  for (const name of names) {
    const edits = editsBetween(word, name)
    if (edits >= fewest) continue
    fewest = edits
    best = name
  }
  return best
}

/** Levenshtein's distance, row by row. */
function editsBetween(from: string, goal: string): number {
  let row = Array.from({ length: goal.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= goal.length; j++) {
      const same = from[i - 1] === goal[j - 1] ? 0 : 1
      const replaced = (row[j - 1] as number) + same
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
