/** Pick lists of the dialogs, read from the live service. */
import type { Connection } from './connection.ts'
import { listDatasets, listWorkspaces } from './datasets.ts'

export interface Choice {
  readonly value: string
  readonly label?: string
  readonly note?: string
}
export type Query = Readonly<Record<string, string>>

const readers = {
  async workspaces(connection: Connection, _query: Query, signal: AbortSignal): Promise<readonly Choice[]> {
    const found = await listWorkspaces(connection, { signal })
    return found
      .map(({ id, name, isReadOnly }) => ({
        value: id,
        label: name || id,
        ...(isReadOnly ? { note: 'read only' } : {}),
      }))
      .sort(byLabel)
  },
  /** `kind`: `push` for those that take rows, else all. */
  async datasets(
    connection: Connection,
    { workspace = '', kind = '' }: Query,
    signal: AbortSignal,
  ): Promise<readonly Choice[]> {
    const found = await listDatasets(connection, workspace, { signal })
    return found
      .filter(({ addRowsAPIEnabled }) => kind !== 'push' || addRowsAPIEnabled)
      .map(({ id, name, addRowsAPIEnabled }) => ({
        value: id,
        label: name || id,
        note: addRowsAPIEnabled ? 'push' : 'no push dataset',
      }))
      .sort(byLabel)
  },
}

export type ListName = keyof typeof readers
export const listNames = Object.keys(readers) as readonly ListName[]

export const readList = (
  connection: Connection,
  name: ListName,
  query: Query,
  signal: AbortSignal,
): Promise<readonly Choice[]> => readers[name](connection, query, signal)

const byLabel = (a: { label: string }, b: { label: string }): number => a.label.localeCompare(b.label)
