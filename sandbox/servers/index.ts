import { baswareServer } from './basware.ts'
import { databricksServer } from './databricks.ts'
import { intacctServer } from './intacct.ts'
import { powerbiServer } from './powerbi.ts'
import type { StartServer } from './server.ts'
import { snowflakeServer } from './snowflake.ts'
import { x3Server } from './x3.ts'

/** Every server of the sandbox by its name. Fault plans go by the order: new ones at the end. */
export const SERVERS = {
  x3: x3Server,
  intacct: intacctServer,
  databricks: databricksServer,
  snowflake: snowflakeServer,
  powerbi: powerbiServer,
  basware: baswareServer,
} satisfies Record<string, StartServer>

export type ServerName = keyof typeof SERVERS
export const SERVER_NAMES = Object.keys(SERVERS) as ServerName[]
