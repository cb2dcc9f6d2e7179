/** Expressions of a mapping. */
import type { Node, NodeAPI } from 'node-red'
import type { Row } from '../../sync/contract/message.ts'
import { decimalFunctions } from './decimals.ts'
import { boundedFunctions, guarded, hooks, watched } from './limits.ts'
import type { Expression } from './steps.ts'

/** Characters of an expression. */
const LONGEST = 10_000

/**
 * JSONata as the editor's other nodes have it, with exact decimal functions and the document as `$header`. Bounded in time, depth
 * and length, so that none can hold up the process (`limits.ts`).
 *
 * @param util the runtime's own, `RED.util`
 */
export function jsonata(util: Pick<NodeAPI['util'], 'prepareJSONataExpression'>): (source: string) => Expression {
  return (source) => {
    if (source.length > LONGEST) throw new Error(`it is longer than ${LONGEST} characters`)
    const expression = util.prepareJSONataExpression(source, {} as Node)
    const functions = { ...decimalFunctions, ...boundedFunctions }
    for (const [name, work] of Object.entries(functions)) expression.registerFunction(name, work)
    for (const [name, hook] of hooks) expression.assign(name as unknown as string, hook)
    const bound = guarded(expression.ast())
    const evaluate = expression.evaluate.bind(expression) as (row: Row, bindings: Record<string, unknown>) => unknown
    return async (row, header) => evaluate(row, { header, ...bound, ...watched() })
  }
}
