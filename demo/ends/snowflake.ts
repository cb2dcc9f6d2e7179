import type { TargetEnd } from './end.ts'

/** Snowflake as a target; everything goes into one schema, under names in upper case. */
export const snowflake: TargetEnd = {
  server: 'snowflake',
  environment: {
    SNOWFLAKE_ACCOUNT: 'account',
    SNOWFLAKE_HOST: 'url',
    // named by flows of earlier demos
    SNOWFLAKE_PORT: 'port',
    SNOWFLAKE_USER: 'user',
    SNOWFLAKE_ROLE: 'role',
    SNOWFLAKE_WAREHOUSE: 'warehouse',
    SNOWFLAKE_DATABASE: 'database',
    SNOWFLAKE_SCHEMA: 'schema',
    SNOWFLAKE_PRIVATE_KEY: 'privateKeyPem',
    SNOWFLAKE_PASSPHRASE: 'passphrase',
  },
  fill: (node) => node,
  reader({ database, schema }, ask) {
    return {
      async columns(table) {
        const names: string[] = []
        const sql = `select column_name from ${database}.information_schema.columns where table_schema = '${schema}' and table_name = '${table.toUpperCase()}' order by ordinal_position`
        for await (const [name] of ask(sql)) names.push(String(name).toLowerCase())
        return names.length === 0 ? undefined : names
      },
      rows: (table, columns) =>
        ask(
          `select ${columns.map((name) => `"${name.toUpperCase()}"`).join(', ')} from "${database}"."${schema}"."${table.toUpperCase()}"`,
        ),
    }
  },
}
