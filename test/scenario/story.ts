/**
 * Scenario scripts as text: stories, each of several scenes of commands and what is expected to come of them.
 *
 * A line that begins with `#` opens a story and names it; `----` stands between a scene's commands and its expected
 * lines; an empty line ends the scene.
 */

export interface Scene {
  readonly commands: readonly string[]
  readonly expected: readonly string[]
  /** Where in the file the commands begin, from 1. */
  readonly line: number
}

export interface Story {
  readonly title: string
  /** Further lines of the comment. */
  readonly comment: readonly string[]
  readonly scenes: readonly Scene[]
}

const DIVIDER = '----'

/** Throws when a scene says nothing of what it expects: a story that cannot fail is none. */
export function parseStories(text: string): Story[] {
  const stories: { title: string; comment: string[]; scenes: Scene[] }[] = []
  const lines = text.trimEnd().split('\n')
  for (let at = 0; at < lines.length;) {
    const line = lines[at] as string
    if (line === '') {
      at++
      continue
    }
    if (line.startsWith('#')) {
      const words = line.slice(1).trim()
      if (lines[at - 1]?.startsWith('#')) stories.at(-1)?.comment.push(words)
      else stories.push({ title: words, comment: [], scenes: [] })
      at++
      continue
    }
    const end = nextEmpty(lines, at)
    const block = lines.slice(at, end)
    const divider = block.indexOf(DIVIDER)
    if (divider < 1) throw new Error(`line ${at + 1}: a scene needs commands, then ${DIVIDER}, then what is expected`)
    const story = stories.at(-1)
    if (story === undefined) throw new Error(`line ${at + 1}: a scene stands before the first story`)
    story.scenes.push({ commands: block.slice(0, divider), expected: block.slice(divider + 1), line: at + 1 })
    at = end
  }
  return stories
}

export function printStories(stories: readonly Story[]): string {
  return stories.map((story) => `${printStory(story)}\n`).join('\n')
}

function printStory({ title, comment, scenes }: Story): string {
  const head = [title, ...comment].map((line) => `# ${line}`).join('\n')
  const printed = scenes.map(({ commands, expected }) => [...commands, DIVIDER, ...expected].join('\n'))
  return `${head}\n${printed.join('\n\n')}`
}

function nextEmpty(lines: readonly string[], from: number): number {
  const end = lines.indexOf('', from)
  return end < 0 ? lines.length : end
}
