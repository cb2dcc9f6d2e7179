import type { Specs } from '../filter.ts'
import type { Generation, NodeSpec } from '../model.ts'
import { codeNodes, unknownNode } from './codes.ts'
import { invoiceNodes } from './invoices.ts'
import { journalNodes } from './journals.ts'
import { masterNodes } from './masters.ts'
import { type OpenItems, openItemNodes } from './open-items.ts'
import { orderNodes } from './orders.ts'

/** All nodes of a generation by type name, those included that others only lead to. */
export function nodeSpecs(generation: Generation, openItems: OpenItems = 'dated'): Specs {
  const specs = new Map<string, NodeSpec>()
  const known = [
    ...codeNodes(),
    ...masterNodes(generation),
    ...orderNodes(generation),
    ...invoiceNodes(),
    ...journalNodes(),
    ...openItemNodes(generation, openItems),
  ]
  for (const spec of known) specs.set(spec.type, spec)
  for (const spec of known) {
    for (const { type } of Object.values(spec.fields)) {
      const name = /^(\w+)_node$/.exec(type)?.[1]
      if (name && !specs.has(name)) specs.set(name, unknownNode(name))
    }
  }
  return specs
}
