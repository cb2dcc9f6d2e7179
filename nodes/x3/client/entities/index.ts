/** The entities X3 gives, masters before facts. */
import { glEntry, purchaseOrder, salesInvoice, supplierInvoice } from './documents.ts'
import { costCentre, customer, dimension, glAccount, product, supplier } from './masters.ts'
import type { EntityDef } from './types.ts'

export const ENTITIES: readonly EntityDef[] = [
  supplier,
  customer,
  product,
  glAccount,
  dimension,
  costCentre,
  purchaseOrder,
  supplierInvoice,
  salesInvoice,
  glEntry,
]

export const entityDef = (entity: string): EntityDef | undefined => ENTITIES.find((def) => def.entity === entity)
