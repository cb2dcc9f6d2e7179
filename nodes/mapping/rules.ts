/** What a mapping does to the columns of an entity, as the dialog of map-gl stores it. */
import { z } from 'zod'

const columnType = z
  .string()
  .regex(
    /^(string|integer|boolean|date|timestamp|json|decimal\(\d{1,2},\d{1,2}\))$/,
    'a type is string, integer, decimal(p,s), boolean, date, timestamp or json',
  )

/** Where a rule applies: an entity (`*` all), its header (`''`), one of its lists, or every table of it that has the column (`*`). */
const where = { entity: z.string().default('*'), list: z.string().default('*') }
const column = z.string().min(1, 'the column is missing')

export const rule = z.discriminatedUnion('do', [
  z.object({
    ...where,
    do: z.literal('code'),
    column,
    /** Name of the code table. */
    table: z.string().min(1, 'the code table is missing'),
    /** What happens to a code that the table does not have on the day. */
    unmapped: z.enum(['hold', 'pass', 'default']).default('hold'),
    default: z.string().default(''),
    /** Column that keeps the ERP's own code; empty: not kept. */
    keep: z.string().default(''),
  }),
  z.object({ ...where, do: z.literal('rename'), column, to: z.string().min(1, 'the new name is missing') }),
  z.object({ ...where, do: z.literal('drop'), column }),
  z.object({ ...where, do: z.literal('constant'), column, type: columnType.default('string'), value: z.string() }),
  z.object({
    ...where,
    do: z.literal('expression'),
    column,
    type: columnType.default('string'),
    expression: z.string().min(1, 'the expression is missing'),
  }),
  z.object({ ...where, do: z.literal('type'), column, type: columnType }),
])
export type Rule = z.infer<typeof rule>
export type CodeRule = Extract<Rule, { do: 'code' }>
