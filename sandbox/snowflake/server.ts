import type { SnowflakeOptions, SnowflakeSandbox } from './api.ts'

export type { LoggedStatement, SnowflakeOptions, SnowflakeSandbox, Tuning, Value } from './api.ts'

/** Starts a Snowflake account on this machine, for the vendor's own driver over plain http. */
export declare function startSnowflake(options?: SnowflakeOptions): Promise<SnowflakeSandbox>
