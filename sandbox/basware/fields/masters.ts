import {
  choice,
  date,
  type Entity,
  integer,
  list,
  must,
  named,
  notNull,
  number,
  numbered,
  text,
  yesNo,
} from './kinds.ts'

const names = must(list({ translation: must(text(2, 2000)), language: must(text(2, 10)) }))
const company: Entity = { companyCode: must(text(1, 32)), active: must(yesNo) }

export const account: Entity = {
  externalCode: must(text(1, 36)),
  accountCode: must(text(1, 25)),
  accountNames: names,
  taxCode: text(0, 25),
  ...numbered('text', 1, 5, text(0, 250)),
  companies: must(list({ ...company, inherit: must(yesNo) })),
  lastUpdated: notNull(date),
}

export const costCenter: Entity = {
  externalCode: must(text(1, 36)),
  costCenterCode: must(text(1, 25)),
  costCenterNames: names,
  ...numbered('text', 1, 10, text(0, 250)),
  ...numbered('date', 1, 5, date),
  ...numbered('int', 1, 5, integer()),
  companies: must(list(company)),
  lastUpdated: notNull(date),
}

export const listItem: Entity = {
  externalCode: must(text(1, 36)),
  ...numbered('text_', 1, 25, text()),
  ...numbered('number_', 1, 15, number()),
  ...numbered('dateValue_', 1, 15, date),
  companies: list(company),
  listContent: choice(),
  lastUpdated: notNull(date),
}

export const project: Entity = {
  externalCode: must(text(1, 36)),
  projectCode: must(text(1, 25)),
  projectName: must(text(1, 100)),
  description: text(0, 500),
  ...named('validFrom validUntil', must(date)),
  companies: must(list(company)),
  lastUpdated: notNull(date),
}
