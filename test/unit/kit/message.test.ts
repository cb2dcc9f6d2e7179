import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import type { NodeMessage } from 'node-red'
import { ENTITIES as INTACCT } from '../../../nodes/intacct/client/entities.ts'
import { parseBatch } from '../../../nodes/kit/message.ts'
import { ENTITIES as X3 } from '../../../nodes/x3/client/entities/index.ts'
import { isSyncError } from '../../../sync/contract/errors.ts'
import { journal, journalSchema } from '../../support/deliveries.ts'
import { overTheWire, util } from '../../support/util.ts'

const sync = { name: 'books', run: 'r1', entity: 'gl_entry', batch: 0, readNumber: 1, ledger: 'l', mode: 'poll' }
const message = (): NodeMessage & Record<string, unknown> => ({
  _msgid: 'm',
  topic: 'gl_entry',
  payload: [journal('J', '1')],
  schema: structuredClone(journalSchema),
  sync,
})

/** What switch, change and template nodes do with a message is these functions of the runtime. */
describe('a batch, as other nodes of Node-RED reach into it', () => {
  it('has column names that need no brackets', () => {
    interface Columns {
      readonly columns: readonly { readonly name: string }[]
      readonly lists?: readonly Columns[]
      readonly lines?: Columns
    }
    const namesOf = ({ columns, lines, lists = [] }: Columns): string[] => [
      ...columns.map(({ name }) => name),
      ...[...lists, ...(lines ? [lines] : [])].flatMap(namesOf),
    ]
    const names = new Set([...X3.flatMap(namesOf), ...INTACCT.flatMap(namesOf)])
    ok(names.size > 80)
    for (const name of names)
      deepStrictEqual(util.normalisePropertyExpression(`payload[0].${name}`), ['payload', 0, name])
  })

  it('is the same batch after a change node has set, moved and deleted in it, and after a wire has copied it', () => {
    const changed = message()
    const before = util.getMessageProperty(changed, 'payload[0].lines[0].amount')
    util.setMessageProperty(changed, 'payload[0].lines[0].was', before, true)
    util.setMessageProperty(changed, 'payload[0].lines[0].amount', '7.70', true)
    util.setMessageProperty(changed, 'topic', undefined)
    const batch = parseBatch(overTheWire(changed))
    deepStrictEqual(batch.sync, sync)
    const [record] = batch.payload
    deepStrictEqual(
      [
        util.getObjectProperty(record as never, 'lines[0].amount'),
        util.getObjectProperty(record as never, 'lines[0].was'),
      ],
      ['7.70', before],
    )
  })

  it('names what is wrong in it by an expression that finds it', () => {
    const wrong = message()
    util.setMessageProperty(wrong, 'schema.columns[1].type', 'money')
    try {
      parseBatch(wrong)
    } catch (error) {
      ok(isSyncError(error))
      const [expression = ''] = error.message.split(' ')
      strictEqual(util.evaluateNodeProperty(expression, 'msg', {} as never, wrong), 'money')
      return
    }
    throw new Error('a type that is none was taken')
  })
})
