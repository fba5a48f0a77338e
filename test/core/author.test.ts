/** Who wrote a version: as text and back. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AUTHOR_LENGTH_MAX, authorText, parseAuthor } from '../../src/core/author.ts'
import { holds } from '../property.ts'

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/)

test('any coordinator and session: come back from their text, which has its bound', () => {
  holds(
    fc.property(id, fc.option(id, { nil: undefined }), (coordinator, session) => {
      const text = authorText({ coordinator, session })
      expect(parseAuthor(text)).toEqual({ coordinator, session })
      expect(text.length).toBeLessThanOrEqual(AUTHOR_LENGTH_MAX)
    }),
  )
})
