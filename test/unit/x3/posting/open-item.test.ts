import { equal, match } from 'node:assert/strict'
import type { X3Connection } from '../../../../nodes/x3/client/connection.ts'
import { dueReader } from '../../../../nodes/x3/client/posting/open-item.ts'
import type { FieldInfo, TypeInfo, X3Schema } from '../../../../nodes/x3/client/schema.ts'

const signal = new AbortController().signal
type Item = Readonly<Record<string, unknown>>

/** An X3 whose open items have these fields; a kind by name. */
function x3(fields: Readonly<Record<string, string>> | undefined, items: readonly Item[] = []) {
  const asked: { text: string; variables: Readonly<Record<string, unknown>> }[] = []
  const type = (name: string, of: Readonly<Record<string, string>>): TypeInfo => ({
    ...{ name, members: [] },
    fields: new Map(
      Object.entries(of).map(([field, kind]): [string, FieldInfo] => [
        field,
        { name: field, type: field === 'read' ? 'OpenItem' : kind, kind, args: {} },
      ]),
    ),
  })
  const types: Record<string, TypeInfo> = {
    OpenItem_Operations: type('OpenItem_Operations', { read: 'OBJECT', query: 'OBJECT' }),
    OpenItem: type('OpenItem', fields ?? {}),
  }
  const schema = {
    find: async () => fields && { root: 'x3FinanceData', node: 'openItem', operations: 'OpenItem_Operations' },
    settle: async (resolve: (need: (name: string) => TypeInfo | undefined) => unknown) =>
      resolve((name) => types[name]),
  } as unknown as X3Schema
  const connection = {
    async query(text: string, variables: Readonly<Record<string, unknown>>) {
      asked.push({ text, variables })
      return { data: { x3FinanceData: { openItem: { query: { edges: items.map((node) => ({ node })) } } } } }
    },
  } as unknown as X3Connection
  return { asked, due: () => dueReader(connection, schema)('BPSIN', 'AFR1', signal) }
}
const FIELDS = { documentNumber: 'SCALAR', documentType: 'OBJECT', dueDate: 'SCALAR' }
const item = (dueDate: string | null, code = 'BPSIN'): Item => ({ dueDate, documentType: { code } })

describe('when a voucher is due in X3', () => {
  it('is what its open items say: those of its own type, one day where all agree, several after one another', async () => {
    const one = x3(FIELDS, [item('2026-04-30'), item('2026-04-30'), item('2026-06-01', 'GEN')])
    equal(await one.due(), '2026-04-30')
    const [asked] = one.asked
    match(asked?.text ?? '', /x3FinanceData\{openItem\{query\(.*documentType\{code\}/)
    equal(asked?.variables.filter, '{"documentNumber":"AFR1"}')
    equal(await x3(FIELDS, [item('2026-05-31'), item('2026-04-30')]).due(), '2026-04-30, 2026-05-31')
  })

  it('is read where the type is a text, or is not shown', async () => {
    const text = x3({ ...FIELDS, documentType: 'SCALAR' }, [
      { dueDate: '2026-04-30', documentType: 'BPSIN' },
      { dueDate: '2026-05-01', documentType: 'GEN' },
    ])
    equal(await text.due(), '2026-04-30')
    const bare = x3({ documentNumber: 'SCALAR', dueDate: 'SCALAR' }, [{ dueDate: '2026-04-30' }])
    equal(await bare.due(), '2026-04-30')
  })

  it('is not known without open items, without their due date, or where none is there', async () => {
    for (const none of [x3(undefined), x3({ documentNumber: 'SCALAR' }), x3(FIELDS), x3(FIELDS, [item(null)])])
      equal(await none.due(), undefined)
  })
})
