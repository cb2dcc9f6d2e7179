import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import { entry, entrySchema, type FakeEntity, fakeSource, supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

const gate = () => {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

describe('reading: the next entity ahead', () => {
  let r: Rig
  afterEach(() => r.close())

  const start = async (entities: Record<string, FakeEntity>, readsAhead = true) => {
    const source = Object.assign(fakeSource(entities), { readsAhead })
    r = await rig({ entities, source })
    return source
  }
  const two = {
    supplier: { schema: supplierSchema },
    gl_entry: { schema: entrySchema, pageSize: 300 },
  }
  const fill = (suppliers: number, entries: number, lines = 1) => {
    for (let i = 0; i < suppliers; i++) r.source.put('supplier', supplier(`S${String(i).padStart(3, '0')}`, 'first'))
    const amounts = Array.from({ length: lines }, () => '0')
    for (let i = 0; i < entries; i++) r.source.put('gl_entry', entry(`E${String(i).padStart(4, '0')}`, ...amounts))
  }
  const pagesOf = (entity: string) =>
    r.source.asked.filter((asked) => asked.entity === entity && asked.walk === 'stamped').length
  const topics = () => r.sent.map(({ topic }) => topic)

  it('begins while the one before is read, and sends behind all of it', async () => {
    await start(two)
    fill(25, 3)
    const master = gate()
    r.source.onPage(async (entity, { cursor }) => {
      if (entity === 'supplier' && cursor !== null) await master.opened
      return undefined
    })
    const run = r.poll({ limits: { batchRows: 10 } })
    await waitFor(() => pagesOf('gl_entry') === 1 && pagesOf('supplier') === 2)
    assert.ok(!topics().includes('gl_entry'), 'a journal must not come before its supplier')
    master.open()
    const summary = await run
    assert.deepEqual(topics(), ['supplier', 'supplier', 'supplier', 'gl_entry'])
    assert.equal(summary.state, 'done')
    assert.deepEqual([sums(summary, 'supplier').delivered, sums(summary, 'gl_entry').delivered], [25, 3])
  })

  it('reads little before its turn, however long that takes', async () => {
    await start(two)
    fill(1, 4000, 2)
    const master = gate()
    let held = false
    r.source.onPage(async (entity) => {
      held ||= entity === 'supplier'
      if (entity === 'supplier') await master.opened
      return undefined
    })
    const run = r.poll()
    // 300 documents with two lines each are 900 rows: behind the third page enough is there.
    await waitFor(() => held && pagesOf('gl_entry') === 3)
    // Whatever else it could ask for by itself would be asked for now.
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(pagesOf('gl_entry'), 3)
    master.open()
    assert.equal(sums(await run, 'gl_entry').delivered, 4000)
  })

  it('is never further ahead than one entity', async () => {
    const third = { ...supplierSchema, entity: 'customer' }
    await start({ ...two, customer: { schema: third } })
    fill(5, 5)
    r.source.put('customer', supplier('C1', 'first'))
    const master = gate()
    r.source.onPage(async (entity) => {
      if (entity === 'supplier') await master.opened
      return undefined
    })
    const run = r.poll()
    await waitFor(() => pagesOf('gl_entry') === 1)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(pagesOf('customer'), 0)
    master.open()
    assert.equal((await run).state, 'done')
    assert.deepEqual(topics(), ['supplier', 'gl_entry', 'customer'])
  })

  it('waits for its turn where the source answers one request at a time', async () => {
    await start(two, false)
    fill(25, 3)
    const order: string[] = []
    r.source.onPage((entity) => {
      order.push(entity)
      return undefined
    })
    await r.poll()
    assert.equal(order.lastIndexOf('supplier') < order.indexOf('gl_entry'), true, order.join(' '))
  })

  it('sends nothing of an entity that needs one which then fails', async () => {
    await start({ ...two, gl_entry: { ...two.gl_entry, needs: ['supplier'] } })
    fill(25, 3)
    r.source.onPage((entity, { cursor }) => {
      if (entity === 'supplier' && cursor !== null) throw syncError('config', 'fake.broken', 'no second page')
      return undefined
    })
    const summary = await r.poll()
    assert.deepEqual(
      summary.errors.map(({ entity, code }) => [entity, code]),
      [
        ['supplier', 'fake.broken'],
        ['gl_entry', 'sync.needs'],
      ],
    )
    assert.ok(!topics().includes('gl_entry'))
  })

  it('loses nothing of what was read ahead when the run is stopped', async () => {
    await start(two)
    fill(25, 3)
    const stop = new AbortController()
    r.source.onPage(async (entity, { cursor }) => {
      if (entity !== 'supplier' || cursor === null) return undefined
      await waitFor(() => pagesOf('gl_entry') === 1)
      stop.abort()
      return undefined
    })
    assert.equal((await r.poll({ signal: stop.signal })).state, 'stopped')
    assert.ok(!topics().includes('gl_entry'))
    r.source.onPage(() => undefined)
    assert.equal((await r.poll()).state, 'done')
    assert.equal(r.target('gl_entry').stored.size, 3)
    assert.equal(r.target('supplier').stored.size, 25)
  })
})
