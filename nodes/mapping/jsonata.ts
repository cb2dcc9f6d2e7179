/** Expressions of a mapping. */
import type { Node, NodeAPI } from 'node-red'
import type { Row } from '../../sync/contract/message.ts'
import { decimalFunctions } from './decimals.ts'
import type { Expression } from './steps.ts'

/**
 * JSONata as the editor's other nodes have it, with exact decimal functions and the document as `$header`.
 *
 * @param util the runtime's own, `RED.util`
 */
export function jsonata(util: Pick<NodeAPI['util'], 'prepareJSONataExpression'>): (source: string) => Expression {
  return (source) => {
    const expression = util.prepareJSONataExpression(source, {} as Node)
    for (const [name, work] of Object.entries(decimalFunctions)) expression.registerFunction(name, work)
    const evaluate = expression.evaluate.bind(expression) as (row: Row, bindings: Record<string, unknown>) => unknown
    return async (row, header) => evaluate(row, { header })
  }
}
