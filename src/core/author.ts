/**
 * Who wrote a version, as one short text that is stored with it: the coordinator's name, and the session's behind a slash.
 *
 * A text rather than two numbers with a table beside them: names of coordinators come and go, and a record has to tell
 * its author wherever it is read. It is no part of the causal state.
 * Ring: values.
 */

/** Through whom a write came. */
export interface Author {
  /** The id of the node or client that ran the operation. */
  readonly coordinator: string
  /** The session's id, for a write through one. */
  readonly session: string | undefined
}

/** Two names and a slash. */
export const AUTHOR_LENGTH_MAX = 129

const SLASH = '/'

export function authorText({ coordinator, session }: Author): string {
  return session === undefined ? coordinator : `${coordinator}${SLASH}${session}`
}

/** Undoes `authorText`. */
export function parseAuthor(text: string): Author {
  const at = text.indexOf(SLASH)
  return at < 0
    ? { coordinator: text, session: undefined }
    : { coordinator: text.slice(0, at), session: text.slice(at + 1) }
}
