/** Rows that hold values of an older mapping, or were read without a field: how many, told until they were read again. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import type { NewPosting } from '../../../../ledger/ledger.ts'
import { applyMapping } from '../../../../nodes/mapping/apply.ts'
import { type CodeRow, codeTable } from '../../../../nodes/mapping/codes.ts'
import { compileMapping } from '../../../../nodes/mapping/compile.ts'
import { compileTables } from '../../../../nodes/mapping/gl-mapping.ts'
import { madeOf } from '../../../../nodes/mapping/made.ts'
import { type Rule, rule } from '../../../../nodes/mapping/rules.ts'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import { type FakeEntity, type FakeTarget, fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { address, commit, delivery, type LedgerFolder, ledgerFolder } from '../../../support/ledger.ts'
import { type Rig, rig, warehouse } from '../../../support/rig.ts'

const code = (more: object = {}): Rule => rule.parse({ do: 'code', column: 'name', table: 'name', ...more })
const line = (from: string, to: string): CodeRow => ({ from, to, valid_from: '', valid_to: '' })

/** A mapping node. */
interface Node {
  rules: Rule[]
  codes: CodeRow[]
  /** What people added to its codes. */
  added: CodeRow[]
}

describe('rows that are made otherwise now', () => {
  let made: Rig
  let node: Node
  let now: number
  let entities: Record<string, FakeEntity>
  let targets: Map<string, FakeTarget>
  /** The mapping node was taken out of the way. */
  let isOut: boolean
  afterEach(() => made.close())

  beforeEach(async () => {
    now = Date.parse('2026-05-03T10:00:00Z')
    isOut = false
    node = { rules: [code()], codes: [line('red', 'R'), line('blue', 'B')], added: [] }
    entities = { supplier: { schema: supplierSchema } }
    targets = new Map()
    await open()
    for (const [one, name] of [
      ['1', 'red'],
      ['2', 'blue'],
      ['3', 'red'],
    ] as const)
      made.source.put('supplier', supplier(one, name), '2026-05-01T00:00:00Z')
  })

  async function open(): Promise<void> {
    made = await rig({
      entities,
      targets,
      now: () => now,
      flow: (message, { deliver }) => void (isOut ? deliver(message) : map(message)),
    })
    made.source.clockIs('2026-05-03T10:00:00Z')
  }

  /** What map-gl does. */
  const version = (entity: string): Promise<string> =>
    made.ledger.noteMaking({
      ...{ kind: 'mapping', by: 'map-1', entity, columns: [] },
      ...madeOf(node.rules, tables(), entity),
    })
  const tables = () =>
    compileTables(
      [codeTable.parse({ name: 'name', rows: node.codes })],
      node.added.map((row) => ({ ...row, table: 'name' })),
    )
  async function map(message: BatchMessage): Promise<void> {
    const { schema } = message
    const compiled = compileMapping(schema, node.rules, {
      codes: tables().lookups,
      expression: () => async () => null,
      today: () => '2026-05-03',
    })
    const ref = { id: 'map-1', name: 'map-gl' }
    const { held, ...mapped } = await applyMapping(compiled, message.payload, schema)
    if (held.length > 0) await made.engine.hold({ ref, sinks: [warehouse], message, stage: 'map', records: held })
    made.engine.declare({ ref, message, mapped, version: await version(schema.entity) })
    await made.deliver({ ...message, ...mapped })
  }
  const toldIn = ({ notices }: RunSummary) => notices.filter((text) => / hold| read without/.test(text))
  const told = async (scope?: PollOptions['scope']) => toldIn(await made.poll(scope && { scope }))
  /** A person deploys the mapping, later. */
  async function deploy(change: Partial<Node>): Promise<void> {
    now += 40 * 86_400_000
    made.source.clockIs(new Date(now).toISOString())
    Object.assign(node, change)
    await version('supplier')
  }

  it('are told with the day of their mapping, in a run that reads nothing too, until they were read again', async () => {
    deepEqual(await told(), [])
    deepEqual(await told(), [])
    await deploy({ codes: [line('red', 'RED'), line('blue', 'B')] })
    const says = ['supplier: 3 rows at databricks-write hold values of the mapping of 3 May 2026.']
    deepEqual(await told(), says)
    deepEqual(await told(), says)
    equal(made.target('supplier').stored.get('erp|1')?.record.name, 'R')
    deepEqual(await told({ kind: 'keys', entity: 'supplier', keys: ['erp|1'] }), [])
    deepEqual(await told(), [says[0]?.replace('3 rows', '2 rows')])
    // What is as it was then is done as well, though nothing is written for it.
    deepEqual(await told({ kind: 'backfill', from: '2026-04-01T00:00:00Z', to: new Date(now).toISOString() }), [])
    deepEqual(await told(), [])
    equal(made.target('supplier').stored.get('erp|1')?.record.name, 'RED')
  })

  it('all of it read again: by key where they are few and their keys known, and nothing is left', async () => {
    await made.poll()
    await deploy({ codes: [line('red', 'RED'), line('blue', 'B')] })
    equal(await made.ledger.readOutdatedAgain('s', ['product']), true)
    equal((await made.ledger.keysToReadAgain('s', 'supplier')).length, 0)
    await made.poll({ sweep: { since: null } })
    equal(await made.ledger.readOutdatedAgain('s', ['supplier']), true)
    deepEqual(await made.ledger.keysToReadAgain('s', 'supplier'), ['erp|1', 'erp|2', 'erp|3'])
    deepEqual(await told(), [])
    deepEqual([...made.target('supplier').stored.values()].map(({ record }) => record.name).sort(), ['B', 'RED', 'RED'])
  })

  it("a key that is not the source's is not asked for, since the source does not have it: everything is read", async () => {
    node.rules = [code({ column: 'code' })]
    node.codes = [line('1', 'one'), line('2', 'two'), line('3', 'three')]
    await made.poll({ sweep: { since: null } })
    await deploy({ rules: [...node.rules, rule.parse({ do: 'constant', column: 'kind', value: 'x' })] })
    equal((await made.ledger.outdated('s'))[0]?.rows, 3)
    equal(await made.ledger.readOutdatedAgain('s', ['supplier']), false)
    equal((await made.ledger.keysToReadAgain('s', 'supplier')).length, 0)
    deepEqual(await told({ kind: 'full' }), [])
  })

  it('a code that was added for records held without it makes no row old, and neither does taking it into the table', async () => {
    made.source.put('supplier', supplier('4', 'green'), '2026-05-01T00:00:00Z')
    await made.poll()
    equal(await made.ledger.countHeld({}), 1)
    await deploy({ added: [line('green', 'G')] })
    deepEqual(await told(), [])
    await deploy({ codes: [...node.codes, line('green', 'G')], added: [] })
    deepEqual(await told(), [])
    await deploy({ codes: node.codes.slice(1) })
    equal((await made.ledger.outdated('s'))[0]?.rows, 3)
  })

  it('where a code passes without a line, one that is added makes rows old', async () => {
    node.rules = [code({ unmapped: 'pass' })]
    made.source.put('supplier', supplier('4', 'green'), '2026-05-01T00:00:00Z')
    await made.poll()
    await deploy({ added: [line('green', 'G')] })
    equal((await made.ledger.outdated('s'))[0]?.rows, 4)
  })

  it('a rule for another entity, or a code taken away and given back, makes none old', async () => {
    await made.poll()
    const { codes } = node
    await deploy({ rules: [...node.rules, code({ entity: 'product' })] })
    deepEqual(await told(), [])
    await deploy({ codes: [] })
    await deploy({ codes })
    deepEqual(await told(), [])
  })

  it('a field that is read since is named with the rows that lack it; one that is left out is not', async () => {
    await made.poll()
    const columns = [...supplierSchema.columns, { name: 'tax_id', type: 'string' as const }]
    const wider = { supplier: { schema: { ...supplierSchema, columns } } }
    Object.assign(entities, wider)
    deepEqual(await told(), ['supplier: 3 rows at databricks-write were read without tax_id.'])
    deepEqual(await told({ kind: 'full' }), [])
    Object.assign(entities, { supplier: { schema: supplierSchema } })
    deepEqual(await told(), [])
  })

  it('a mapping that is put in later: rows that came before it have none', async () => {
    let isMapped = false
    await made.close()
    made = await rig({
      entities,
      targets,
      now: () => now,
      flow: (message, { deliver }) => void (isMapped ? map(message) : deliver(message)),
    })
    made.source.clockIs('2026-05-03T10:00:00Z')
    made.source.put('supplier', supplier('1', 'red'), '2026-05-01T00:00:00Z')
    await made.poll()
    isMapped = true
    now += 1000
    await deploy({})
    made.source.put('supplier', supplier('2', 'red'))
    now += 86_400_000
    made.source.clockIs(new Date(now).toISOString())
    deepEqual(await told(), ['supplier: 1 row at databricks-write holds values of no mapping.'])
  })

  it('a mapping on the way to another sink is none of theirs', async () => {
    const mappings = () => new Set<string>()
    await made.poll({ mappings })
    await deploy({ codes: [line('red', 'RED'), line('blue', 'B')] })
    deepEqual(toldIn(await made.poll({ mappings })), [])
  })

  it('a mapping that is taken out: rows hold its values until they were read without it; put in again it made them', async () => {
    await made.poll()
    now += 86_400_000
    const standing = { mappings: new Set<string>() }
    const says = ['supplier: 3 rows at databricks-write hold values of the mapping of 3 May 2026.']
    deepEqual(toldIn(await made.poll({ standing: () => standing.mappings })), says)
    deepEqual(await told(), [], 'nobody knows what stands')
    deepEqual(toldIn(await made.poll({ standing: () => new Set(['map-1']) })), [])
    equal(await made.ledger.readOutdatedAgain('s', ['supplier'], standing), true)
    equal((await made.ledger.keysToReadAgain('s', 'supplier')).length, 3)
    isOut = true
    deepEqual(toldIn(await made.poll({ standing: () => standing.mappings })), [])
    equal(made.target('supplier').stored.get('erp|1')?.record.name, 'red')
  })

  it('a mapping that was put in and taken out again: rows before it lack nothing', async () => {
    isOut = true
    await made.poll()
    isOut = false
    now += 86_400_000
    await deploy({})
    made.source.put('supplier', supplier('4', 'red'))
    made.source.clockIs(new Date(now + 1000).toISOString())
    deepEqual(await told(), ['supplier: 3 rows at databricks-write hold values of no mapping.'])
    deepEqual(toldIn(await made.poll({ standing: () => new Set() })), [
      'supplier: 1 row at databricks-write holds values of the mapping of 13 June 2026.',
    ])
  })

  it('where versions are kept it is said that they become new ones', async () => {
    targets.set('supplier', fakeTarget({ address: 'fakedb://host/main.finance.supplier', mode: 'append' }))
    await made.poll()
    await deploy({ codes: [line('red', 'RED'), line('blue', 'B')] })
    const [outdated] = await made.ledger.outdated('s')
    deepEqual([outdated?.mode, outdated?.rows], ['append', 3])
  })
})

describe('the ledger and what made its rows', () => {
  let folder: LedgerFolder
  beforeEach(() => {
    folder = ledgerFolder()
  })
  afterEach(() => folder.remove())
  const making = (rules: string) =>
    ({ kind: 'mapping', by: 'm', entity: 'supplier', rules, codes: [], columns: [] }) as const

  it('what is posted keeps its mapping, is told as such, and is never read again for it', async () => {
    const ledger = await folder.open()
    const trace = { statements: [], requests: [], mappings: [await ledger.noteMaking(making('a'))] }
    const at = { address, trace, batch: 0 }
    const posted: NewPosting = {
      ...{
        key: 'h|A|0',
        hash: 'ab'.repeat(16),
        originalHash: null,
        status: 'final',
        seen: null,
        at: '2026-05-03T10:00:00Z',
      },
      ...{
        source: 'hub://x',
        sourceKey: 'h|A|0',
        facts: {},
        result: { status: 'final', number: '7' },
        schema: supplierSchema,
      },
      record: { _row: 0, source: 'h', code: 'A', name: 'x' },
    }
    await ledger.commit(commit({ ...at, deliveries: [delivery('h|A|0', 10)], posted: [posted] }))
    await ledger.noteMaking(making('b'))
    const [outdated, ...more] = await ledger.outdated('s')
    deepEqual([outdated?.mode, outdated?.rows, more.length], ['post', 1, 0])
    equal(await ledger.readOutdatedAgain('s', ['supplier']), true)
    deepEqual(await ledger.keysToReadAgain('s', 'supplier'), [])
  })

  it('of rows whose mapping nobody noted nothing is told, as a version before delivered them', async () => {
    const ledger = await folder.open()
    const trace = { statements: [], requests: [], mappings: ['a1b2c3d4'] }
    await ledger.commit(commit({ address, filled: [''], batch: 0, deliveries: [delivery('erp|A', 10)], trace }))
    await ledger.commit(commit({ address, batch: 1, deliveries: [delivery('erp|B', 11)] }))
    await ledger.noteMaking(making('a'))
    await ledger.noteMaking(making('b'))
    deepEqual(await ledger.outdated('s'), [])
  })

  it('rows are counted by the batch that brought their newest version, also where there are many', async () => {
    const ledger = await folder.open()
    const version = await ledger.noteMaking(making('a'))
    const trace = { statements: [], requests: [], mappings: [version] }
    for (let batch = 0; batch < 4; batch++) {
      const deliveries = Array.from({ length: 3000 }, (_, i) =>
        delivery(`erp|${batch}-${i}`, 10 + batch * 2 + (i > 1500 ? 1 : 0)),
      )
      await ledger.commit(commit({ address, filled: [''], batch, deliveries, trace }))
    }
    const later = { ...trace, mappings: [await ledger.noteMaking(making('b'))] }
    const again = Array.from({ length: 1000 }, (_, i) => delivery(`erp|2-${i}`, 50, { run: 'r2' }))
    await ledger.commit(commit({ run: 'r2', address, batch: 0, deliveries: again, trace: later }))
    equal((await ledger.outdated('s'))[0]?.rows, 11_000)
    // So many come sooner with everything.
    equal(await ledger.readOutdatedAgain('s', ['supplier']), false)
    await ledger.close()
    const raw = new DatabaseSync(folder.file)
    const [plan] = raw
      .prepare(
        "EXPLAIN QUERY PLAN SELECT min(trace ->> 2) FROM way WHERE address = 1 AND entity = 'x' AND trace ->> 2 > ''",
      )
      .all()
    raw.close()
    match(String(plan?.detail), /way_made/)
  })
})
