/** What a connection sets up for REST api1: classes as typed, and a customer's file of names. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { api1Settings } from '../../nodes/x3/api1.ts'
import { API1_ENTITIES } from '../../nodes/x3/client/api1/entities.ts'
import type { Config } from '../../nodes/x3/config.ts'
import { startX3Fixture } from '../support/x3.ts'
import { BASIC, CLASSES, throughApi1 } from '../support/x3-api1.ts'
import { readEntity } from '../support/x3-client.ts'

describe('x3-connection by REST api1', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tieout-names-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const settings = (more: Partial<Config>) =>
    api1Settings({
      ...{
        url: 'https://x3.example.com:8124',
        classes: '',
        fieldsFile: '',
        api1PageSize: 20,
        api1Sessions: 4,
        dateDays: 35,
      },
      ...more,
    } as Config)
  const file = (content: unknown): string => {
    const path = join(folder, 'names.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  it('takes classes as they are typed, and names a line that is none', async () => {
    const { classes } = await settings({
      classes: 'supplier = BPSUPPLIER.YBPS; # later\nsupplier.joined=BPARTNER.YBPR',
    })
    deepEqual(classes, {
      supplier: { name: 'BPSUPPLIER', representation: 'YBPS' },
      'supplier.joined': { name: 'BPARTNER', representation: 'YBPR' },
    })
    await rejects(settings({ classes: 'supplier: BPSUPPLIER' }), /"supplier: BPSUPPLIER" is not of the form/)
  })

  it("reads by a customer's names: an entity of the file takes the place of the built-in one, the others stay", async () => {
    const { supplier } = API1_ENTITIES
    ok(supplier)
    const own = { ...supplier, columns: { ...supplier.columns, name: 'BPSNUM' } }
    const { entities } = await settings({ fieldsFile: file({ supplier: own }) })
    equal(entities.customer, API1_ENTITIES.customer)
    const fixture = await startX3Fixture({ basic: BASIC })
    const rest = throughApi1(fixture, { entities, classes: CLASSES })
    try {
      const { records } = await readEntity(rest.source(), 'supplier')
      ok(records.length > 0)
      for (const { code, name } of records) equal(name, code)
    } finally {
      await rest.door.leave?.()
      await rest.connection.close()
      await fixture.x3.close()
    }
  })

  it('says what is wrong with such a file', async () => {
    await rejects(settings({ fieldsFile: join(folder, 'none.json') }), /fieldsFile.*cannot be read/)
    await rejects(settings({ fieldsFile: file('{') }), /fieldsFile.*is no JSON/)
    await rejects(settings({ fieldsFile: file({ supplier: { proposed: 'X' } }) }), /fieldsFile.*supplier\.key/)
  })
})
