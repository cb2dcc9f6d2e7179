import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { DRAWN, PAGE, pictureOf, roomOf, withPicture } from '../../scripts/house.ts'
import type { Sources } from '../../scripts/sources.ts'
import { sources } from '../support/sources.ts'

describe('the house', () => {
  let all: Sources
  before(function () {
    this.timeout(120_000)
    all = sources()
  })

  it('is read with imports of every kind', () => {
    const has = (from: string, to: string, typeOnly: boolean): boolean =>
      all.imports.some((one) => one.from === from && one.to === to && one.typeOnly === typeOnly)
    ok(has('nodes/x3/x3-poll.ts', 'nodes/kit/kit.ts', false))
    ok(has('sync/contract/engine.ts', 'ledger/ledger.ts', true), 'import type')
    ok(has('nodes/kit/kit.ts', 'nodes/kit/config.ts', false), 'export from')
    ok(has('nodes/snowflake/client/driver.ts', 'snowflake-sdk', false), 'import()')
  })

  it('has a picture in docs/architecture.md that is drawn from the imports (npm run house)', () => {
    const files = all.files.filter((file) => DRAWN.includes(file.split('/', 1)[0] ?? ''))
    const page = readFileSync(PAGE, 'utf8')
    strictEqual(withPicture(page, pictureOf(files, all.imports)), page)
  })

  it('has a room for each folder that has a name of its own', () => {
    const rooms = {
      'sync/create.ts': 'sync',
      'sync/reading/poll.ts': 'sync/reading',
      'vendor/warehouse/dialect.ts': 'vendor/warehouse',
      'sandbox/x3/graph/orders.ts': 'sandbox',
      'nodes/kit/editor/tieout-editor.ts': 'nodes/kit',
      'nodes/x3/x3-poll.ts': 'nodes/‹vendor›',
      'nodes/x3/client/entities/index.ts': 'nodes/‹vendor›/client',
    }
    deepStrictEqual(Object.fromEntries(Object.keys(rooms).map((file) => [file, roomOf(file)])), rooms)
  })
})
