/**
 * `npm run sandbox:clients`: the vendors' Python connectors read what Tieout wrote into the sandboxes, which so far only their
 * Node.js drivers had spoken to. Needs a Python with both connectors (`PYTHON`, python3).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Schema } from '../../sync/contract/message.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import { startDatabricksFixture } from '../support/databricks.ts'
import { startSnowflakeFixture } from '../support/snowflake.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

/** Every type that a column can have. */
const schema: Schema = {
  ...journal,
  columns: [
    ...journal.columns,
    { name: 'user_count', type: 'integer' },
    { name: 'rate', type: 'decimal(18,9)' },
    { name: 'open', type: 'boolean' },
    { name: 'changed', type: 'timestamp' },
  ],
}
const records = [
  {
    ...entry('00123', { read: 1, lines: two }),
    user_count: 7,
    rate: '0.000000001',
    open: true,
    changed: '2026-03-29T00:59:59.999Z',
  },
  {
    ...entry('é\'"', { read: 2, lines: two }),
    user_count: -1,
    rate: '-123456789.5',
    open: false,
    changed: '1999-12-31T23:59:59Z',
  },
  { ...entry('3', { read: 3, lines: [] }), user_count: null, rate: null, open: null, changed: null },
]

async function fill(targets: readonly SqlTarget[]): Promise<void> {
  const context = writeContext()
  for (const target of targets) {
    await target.prepare(schema, context)
    await target.write({ ...batchOf('1', records), schema }, context)
    await target.writeMark(
      {
        sync: 's',
        entity: schema.entity,
        sourceAddress: 'x3',
        source: 'x3',
        ledger: 'l',
        run: 'r',
        read: 3,
        floor: null,
      },
      context,
    )
  }
}

/** Says itself what it found; true where all was well. */
async function read(script: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  const python = spawn(process.env.PYTHON ?? 'python3', [join(import.meta.dirname, script)], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  const [code] = await once(python, 'exit')
  return code === 0
}

async function readDatabricks(dir: string): Promise<boolean> {
  const f = await startDatabricksFixture()
  const connection = f.connect()
  try {
    await fill([
      f.target(connection, 'gl_entry'),
      f.target(connection, 'gl_entry', { mode: 'append', pattern: 'main.finance.b_{entity}' }),
    ])
    const { host, port, path, token, caPem } = f.sandbox
    const ca = join(dir, 'ca.pem')
    writeFileSync(ca, caPem)
    return await read('read_databricks.py', {
      DBX_HOST: host,
      DBX_PORT: String(port),
      DBX_PATH: path,
      DBX_TOKEN: token,
      DBX_CA: ca,
    })
  } finally {
    await f.close()
  }
}

async function readSnowflake(): Promise<boolean> {
  const f = await startSnowflakeFixture()
  const connection = f.connect()
  try {
    await fill([
      f.target(connection, 'gl_entry'),
      f.target(connection, 'gl_entry', { mode: 'append', pattern: '{database}.{schema}.b_{entity}' }),
    ])
    const { account, port, user, token, database, schema: own, warehouse, role } = f.sandbox
    return await read('read_snowflake.py', {
      SF_ACCOUNT: account,
      SF_PORT: String(port),
      SF_USER: user,
      SF_TOKEN: token,
      SF_DATABASE: database,
      SF_SCHEMA: own,
      SF_WAREHOUSE: warehouse,
      SF_ROLE: role,
    })
  } finally {
    await f.close()
  }
}

const dir = mkdtempSync(join(tmpdir(), 'tieout-clients-'))
try {
  const wells = [await readDatabricks(dir), await readSnowflake()]
  process.exitCode = wells.every(Boolean) ? 0 : 1
} finally {
  rmSync(dir, { recursive: true })
}
