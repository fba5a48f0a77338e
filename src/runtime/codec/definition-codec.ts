/**
 * What is registered under a keyspace's name, or that nothing is, as bytes.
 */
import { definitionText, parseDefinition, type KeyspaceDefinition } from '../../core/keyspace-definition.ts'
import { Malformed, type ByteReader, type ByteWriter } from './bytes.ts'

/** Two expressions of 4,096 characters, and the rest. */
export const DEFINITION_BYTES_MAX = 10_240

export function writeDefinition(writer: ByteWriter, definition: KeyspaceDefinition | undefined): void {
  writer.text(definition === undefined ? '' : definitionText(definition))
}

export function readDefinition(reader: ByteReader): KeyspaceDefinition | undefined {
  const text = reader.text(DEFINITION_BYTES_MAX)
  if (text === '') return undefined
  const definition = parseDefinition(text)
  if (definition === undefined) throw new Malformed('a keyspace definition is not one')
  return definition
}
