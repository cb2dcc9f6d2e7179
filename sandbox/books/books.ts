import { codes } from './codes.ts'
import { createDays } from './days.ts'
import { salesInvoiceBase, supplierInvoiceBase } from './invoices.ts'
import { entryBase } from './journals.ts'
import { accountBase, customerBase, dimensionBase, partnerBase, productBase, supplierBase } from './masters.ts'
import { orderBase } from './orders.ts'
import { type ChangingTables, createTable } from './table.ts'
import type { Books, BooksOptions } from './types.ts'
import { createWorld, stampText } from './world.ts'

/**
 * The books of the demo group. Everything is computed from (seed, table, index) when it is asked for; only what the days have changed is kept.
 * Throws where `today` is no date.
 */
export function createBooks(options: BooksOptions): Books {
  const world = createWorld(options)
  const tables: ChangingTables = {
    businessPartner: createTable(partnerBase(world), world.end),
    supplier: createTable(supplierBase(world), world.end),
    customer: createTable(customerBase(world), world.end),
    product: createTable(productBase(world), world.end),
    account: createTable(accountBase(world), world.end),
    dimension: createTable(dimensionBase(world), world.end),
    purchaseOrder: createTable(orderBase(world), world.end),
    supplierInvoice: createTable(supplierInvoiceBase(world), world.end),
    salesInvoice: createTable(salesInvoiceBase(world), world.end),
    journalEntry: createTable(entryBase(world), world.end),
  }
  return {
    tables,
    begun: stampText(world.end),
    codes,
    post: (entry) => tables.journalEntry.put(entry),
    unpost: (key, at) => tables.journalEntry.remove(key, at),
    ...createDays(world, tables, options.now),
  }
}
