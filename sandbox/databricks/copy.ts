import { run, type Work } from '../sql/engine.ts'
import { literal, quote } from '../sql/reader.ts'
import { pathNotFound, quoted, SqlError, type TableName } from './errors.ts'
import { filesSelect } from './files-sql.ts'
import { engineName, LAKE, OWN, type Scope } from './sql/cursor.ts'
import type { Copy } from './sql/statement.ts'
import { atomically, columnsOf, copiedInto, rememberCopied } from './store.ts'
import { glob, type VolumeFile, type Volumes } from './volumes.ts'

/** Files that a COPY INTO is loading at this moment, as `schema.table path`. */
export type CopiesUnderWay = Set<string>

/** Runs COPY INTO and gives the number of rows loaded. A file is loaded once per table, by its name, whatever it holds. */
export async function runCopy(
  work: Work,
  copy: Copy,
  scope: Scope,
  volumes: Volumes,
  underWay: CopiesUnderWay,
): Promise<number> {
  const isForced = copy.copyOptions.force?.toLowerCase() === 'true'
  const known = isForced ? new Set<string>() : await copiedInto(work, copy.table)
  const files = chosen(copy, volumes).filter((file) => !known.has(file.path))
  if (files.length === 0) {
    await columnsOf(work, copy.table)
    return 0
  }
  const claims = files.map((file) => `${copy.table.schema}.${copy.table.name} ${file.path}`)
  if (claims.some((claim) => underWay.has(claim))) {
    throw new SqlError(
      'COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED',
      '25000',
      'Duplicated files were committed in a concurrent COPY INTO operation. Please try again later.',
    )
  }
  for (const claim of claims) underWay.add(claim)
  try {
    const select = copy.select.replaceAll(copy.source.ref, await filesSelect(work, copy.source, files, scope))
    return await atomically(work, async () => {
      await checkColumns(work, copy, select)
      const inserted = await run(work, `INSERT INTO ${engineName(copy.table)} BY NAME ${select}`)
      const paths = files.map((file) => file.path)
      await rememberCopied(work, copy.table, paths)
      return inserted.rowsChanged
    })
  } finally {
    for (const claim of claims) underWay.delete(claim)
  }
}

function chosen(copy: Copy, volumes: Volumes): VolumeFile[] {
  if (!copy.files) {
    const pattern = copy.pattern === undefined ? undefined : glob(copy.pattern)
    return volumes.list(copy.source.path).filter((file) => !pattern || pattern.test(file.path.split('/').at(-1) ?? ''))
  }
  const ignoreMissing = copy.source.options.ignoremissingfiles?.toLowerCase() === 'true'
  return copy.files.flatMap((name) => {
    const path = `${copy.source.path.replace(/\/+$/, '')}/${name}`
    if (!/\*/.test(name) && /^[_.]/.test(name.split('/').at(-1) ?? '')) return []
    try {
      return volumes.list(path)
    } catch (error) {
      if (ignoreMissing) return []
      throw error instanceof SqlError ? pathNotFound(path) : error
    }
  })
}

/** Compares what the files give with the table: no column may be new (unless `mergeSchema`), and text is not cast by itself. */
async function checkColumns(work: Work, copy: Copy, select: string): Promise<void> {
  const described = await run(work, `DESCRIBE ${select}`)
  const found = described.getRowsJson().map(([name, type]) => ({ name: String(name), type: String(type) }))
  const target = new Map((await columnsOf(work, copy.table)).map((column) => [column.name.toLowerCase(), column.type]))
  const isMerged = copy.copyOptions.mergeschema?.toLowerCase() === 'true'
  for (const { name, type } of found) {
    const targetType = target.get(name.toLowerCase())
    if (targetType === undefined && isMerged) await addColumn(work, copy.table, name, type, target.size)
    else if (targetType === undefined || (type === 'VARCHAR' && !/^(string|varchar|char)/.test(targetType))) {
      throw new SqlError(
        'COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE',
        '42KDG',
        `A schema mismatch was detected while copying into the Delta table (Table: ${quoted(copy.table)}). ${
          targetType === undefined
            ? `Column ${name} is not in the table. This may indicate an issue with the incoming data, or the Delta table schema can be evolved automatically by setting: COPY_OPTIONS ('mergeSchema' = 'true').`
            : `Failed to merge fields '${name}' and '${name}': string and ${targetType}.`
        }`,
      )
    }
  }
}

async function addColumn(work: Work, table: TableName, name: string, type: string, position: number): Promise<void> {
  const names: Readonly<Record<string, string>> = {
    VARCHAR: 'string',
    'TIMESTAMP WITH TIME ZONE': 'timestamp',
    INTEGER: 'int',
  }
  await run(work, `ALTER TABLE ${engineName(table)} ADD COLUMN ${quote(name)} ${type}`)
  await run(
    work,
    `INSERT INTO ${LAKE}.${OWN}.columns VALUES (${literal(table.schema)}, ${literal(table.name)}, ${position + 1}, ${literal(name)}, ${literal(names[type] ?? type.toLowerCase())}, true, NULL)`,
  )
}
