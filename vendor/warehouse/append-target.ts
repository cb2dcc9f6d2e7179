/** Every version of every record as JSON, appended by loading a file, whose name the warehouse remembers. */
import { syncError } from '../../sync/contract/errors.ts'
import type { Column } from '../../sync/contract/message.ts'
import type { WriteBatch, WriteContext } from '../../sync/contract/target.ts'
import { type FindColumn, type SqlDialect, type TableName, tagsOf, type WantedTable, type Work } from './dialect.ts'
import { standingVersion } from './standing-record.ts'
import { storedVersions } from './stored-keys.ts'
import { haveRows } from './tables.ts'
import { VERSIONS_UNTOLD } from './technical-columns.ts'
import { type AppendTarget, atTable, preparedOf, type Warehouse } from './warehouse.ts'
import { wholeTables, wholeVersionsQuery } from './whole-tables.ts'

/** How the file of a batch is loaded into the table of versions. Its name is always the same for a batch. */
export interface Loading {
  /** Throws where something is not set up that every load needs. */
  check?(): void
  /** Overwrites what an earlier attempt left. */
  upload(batch: WriteBatch, find: FindColumn, context: WriteContext): Promise<unknown>
  /** Loads it once: repeated, it changes nothing. `contract` is that of all its rows. Rows loaded; NaN where the warehouse does not say. */
  load(work: Work, batchId: string, contract: number | undefined): Promise<number>
  /** A failure of `load` says that there is no file: an attempt before may have loaded it and taken it away. */
  readonly isGone?: (error: unknown) => boolean
  /** Rows of a batch that are in. */
  arrived(work: Work, batchId: string, find: FindColumn): Promise<number>
  exists(work: Work, batchId: string): Promise<boolean>
  /** As well as it can: the rows name their batch, so that the file is not needed any more to tell what became of it. */
  remove(work: Work, batchId: string): Promise<unknown> | undefined
  /** Rows are counted, in the load and by `arrived`, and the sum is compared; without, only that there are some is known. */
  readonly counts: boolean
}

export interface AppendOptions {
  readonly tableOf: (entity: string) => TableName
  readonly columns: readonly Column[]
  readonly loading: (table: TableName, entity: string) => Loading
}

export function createAppendTarget(warehouse: Warehouse, entity: string, options: AppendOptions): AppendTarget {
  const { dialect, shape } = warehouse
  const table = options.tableOf(entity)
  const loading = options.loading(table, entity)
  const wanted: WantedTable = {
    kind: 'versions',
    name: table,
    comment: `Tieout: ${entity} as received, one row for each version`,
    columns: options.columns,
    key: ['source', 'key'],
  }
  let find: FindColumn | undefined
  /** The table was looked at, where a statement needs what was found. */
  const columns = async (context: WriteContext): Promise<FindColumn> => {
    if (!dialect.anyCase) find ??= (await shape([wanted], context))[0]?.find
    return find ?? (() => undefined)
  }

  return {
    ...atTable(warehouse, table),
    mode: 'append',
    namesContract: true,
    hasRows: (_tables, _schema, context) => haveRows(dialect, [table], context),
    async prepare(_schema, context) {
      loading.check?.()
      const [shaped] = await shape([wanted], context)
      find = shaped?.find
      return preparedOf(warehouse, [{ list: '', wanted, shaped }], context)
    },

    async write(batch, context) {
      if (batch.records.length === 0) return
      const at = await columns(context)
      await loading.upload(batch, at, context)
      const load = (work: Work) => loadUploaded(loading, work, batch, at, wanted, dialect)
      await dialect.session(`COPY INTO ${dialect.plain(table)}`, tagsOf(batch), load, context)
    },
    async resolve(batchId, { contract }, context) {
      const at = await columns(context)
      const look = (work: Work) => whatBecame(loading, work, { id: batchId, contract }, at)
      return dialect.session(`What became of batch ${batchId}`, {}, look, context)
    },

    keys: (_schema, source, context) => storedVersions(dialect, table, source, context),
    standing: (key, schema, most, context) => standingVersion(dialect, table, { key, schema, most }, context),
    async whole(_schema, source, context) {
      const asked = { list: '', name: table, source: 'source', find: await columns(context) }
      return wholeTables(warehouse, [asked], wholeVersionsQuery(dialect, asked), source, context)
    },
    totals: async () => VERSIONS_UNTOLD,
  }
}

interface Uploaded {
  readonly id: string
  readonly contract: number | undefined
}

/** Loads the file of a batch, which an earlier attempt may just have loaded and taken away. */
async function load(loading: Loading, work: Work, { id, contract }: Uploaded, at: FindColumn): Promise<number> {
  try {
    return await loading.load(work, id, contract)
  } catch (error) {
    if (!loading.isGone?.(error) || (await loading.arrived(work, id, at)) === 0) throw error
    return Number.NaN
  }
}

async function loadUploaded(
  loading: Loading,
  work: Work,
  { id, records, schema }: WriteBatch,
  at: FindColumn,
  { name }: WantedTable,
  { code, plain }: SqlDialect,
): Promise<void> {
  const loaded = await load(loading, work, { id, contract: schema.contract }, at)
  // an attempt before this one may have loaded it, and only its answer was lost
  if (loading.counts)
    checkCount(code, records.length, loaded > 0 ? loaded : await loading.arrived(work, id, at), plain(name))
  await loading.remove(work, id)
}

async function whatBecame(
  loading: Loading,
  work: Work,
  batch: Uploaded,
  at: FindColumn,
): Promise<'delivered' | 'absent'> {
  const batchId = batch.id
  const isIn = async () => (await loading.arrived(work, batchId, at)) > 0
  if (!(await isIn())) {
    if (!(await loading.exists(work, batchId))) return 'absent'
    const loaded = await load(loading, work, batch, at)
    // a file that was loaded before is left out, also when somebody took its rows away since
    if (!(loaded > 0) && !(await isIn())) {
      await loading.remove(work, batchId)
      return 'absent'
    }
  }
  await loading.remove(work, batchId)
  return 'delivered'
}

/** Throws where another number of rows arrived than was sent. `code`: what the vendor's codes begin with. */
export function checkCount(code: string, sent: number, found: number, what: string): void {
  if (sent === found) return
  throw syncError(
    'transient',
    `${code}.count`,
    `Rows for ${what}: ${sent} were sent, ${Number.isNaN(found) ? 'an unknown number' : found} arrived; nothing was written.`,
    { hint: 'It is tried again. If it goes on, somebody else writes to the stage: give Tieout one of its own.' },
  )
}
