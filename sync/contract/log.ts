/** Where the engine and the ledger write what only an operator needs; never a record's content. */
export interface Log {
  info(text: string): void
  warn(text: string): void
  error(text: string): void
}
