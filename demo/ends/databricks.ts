import type { TargetEnd } from './end.ts'

/** Databricks as a target; everything goes into one schema. */
export const databricks: TargetEnd = {
  server: 'databricks',
  environment: {
    DATABRICKS_HOST: ({ host, port }) => `${host}:${port}`,
    // named by flows of earlier demos
    DATABRICKS_PORT: 'port',
    DATABRICKS_HTTP_PATH: 'path',
    DATABRICKS_CATALOG: 'catalog',
    DATABRICKS_SCHEMA: 'schema',
    DATABRICKS_VOLUME: 'volume',
    DATABRICKS_CLIENT_ID: 'clientId',
    DATABRICKS_CLIENT_SECRET: 'clientSecret',
    DATABRICKS_CA: 'caPem',
  },
  fill: (node) => (node.type === 'databricks-connection' ? { ...node, ca: '${DATABRICKS_CA}' } : node),
  reader({ catalog, schema }, ask) {
    return {
      async columns(table) {
        const names: string[] = []
        const sql = `select column_name from information_schema.columns where table_catalog = '${catalog}' and table_schema = '${schema}' and table_name = '${table}' order by ordinal_position`
        for await (const [name] of ask(sql)) names.push(String(name))
        return names.length === 0 ? undefined : names
      },
      rows: (table, columns) =>
        ask(`select ${columns.map((name) => `\`${name}\``).join(', ')} from ${catalog}.${schema}.${table}`),
    }
  },
}
