import type { Cell } from '../compare.ts'
import type { TargetEnd } from './end.ts'

/** Longer than the sandbox takes to show rows to queries. */
const SETTLE_SECONDS = 2

/**
 * Power BI as a target: a dataset for each entity, in which only the newest version of a record counts. What any version has
 * twice is shown twice, so that the comparer finds it.
 */
export const powerbi: TargetEnd = {
  server: 'powerbi',
  environment: {
    POWERBI_TENANT: 'tenant',
    POWERBI_CLIENT_ID: 'clientId',
    POWERBI_CLIENT_SECRET: 'clientSecret',
    POWERBI_WORKSPACE: 'workspace',
    POWERBI_API: 'apiUrl',
    POWERBI_LOGIN: 'loginUrl',
    POWERBI_CA: 'caPem',
  },
  fill(node) {
    if (node.type === 'powerbi-connection') return { ...node, ca: '${POWERBI_CA}' }
    // a run that reads everything anew, which the demo does where faults were not met, loads the tables anew
    return node.type === 'powerbi-push' ? { ...node, changes: 'rebuild', settleSeconds: SETTLE_SECONDS } : node
  },
  reader({ workspace }, ask) {
    const find = async (table: string): Promise<{ dataset: string; columns: string[] } | undefined> => {
      const sql = `select table_schema, column_name from information_schema.columns where table_name = '${table}' and table_schema in (select id from datasets where workspace = '${workspace}' and not deleted) order by table_schema, ordinal_position`
      const rows = await all(ask(sql))
      const [first] = rows
      if (!first) return undefined
      const dataset = String(first[0])
      if (rows.some(([other]) => other !== dataset)) throw new Error(`two datasets have a table ${table}`)
      return { dataset, columns: rows.map(([, name]) => String(name)) }
    }
    return {
      columns: async (table) => (await find(table))?.columns,
      async *rows(table, columns) {
        const found = await find(table)
        if (!found) return
        const { dataset } = found
        const [named] = await all(ask(`select name from datasets where id = '${dataset}'`))
        const header = String(named?.[0]).replace(/^Tieout /, '')
        const cells = columns.map((name) => `"${name}"`).join(', ')
        const alive = header === table ? 'and not _sync_deleted' : ''
        const newest = `select max(_sync_version) from "${dataset}"."${header}" group by _sync_key`
        // equal rows of one version are one row that came twice
        const nth = `row_number() over (partition by _sync_version, ${cells}) as nth`
        yield* ask(
          `select ${cells} from (select *, ${nth} from "${dataset}"."${table}") where (_sync_version in (${newest}) ${alive}) or nth > 1`,
        )
      },
    }
  },
}

async function all(rows: AsyncIterable<Cell[]>): Promise<Cell[][]> {
  const found: Cell[][] = []
  for await (const row of rows) found.push(row)
  return found
}
