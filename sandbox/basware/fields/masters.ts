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
  one,
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

/** As far as this server has vendors: their parts that it never sends are left out. */
export const vendor: Entity = {
  externalCode: must(text(1, 36)),
  vendorCode: must(text(1, 25)),
  vendorParent: text(),
  buvid: text(0, 36),
  name: must(text(1, 250)),
  sourceSystem: text(0, 36),
  description: text(0, 250),
  supplierAssignedAccountId: text(0, 128),
  eligibleForSourcing: yesNo,
  vendorClass: text(0, 100),
  identifiers: list({ id: must(text(1, 36)), schemeId: must(text(1, 32)), defaultPartyId: yesNo }),
  paymentTerms: one({ paymentTermCode: must(text(1, 25)), description: text(0, 200) }),
  processingStatus: one(named('active paymentDenied', yesNo)),
  companies: must(list({ companyCode: must(text(1, 32)), inheritToChildUnits: yesNo })),
  lastUpdated: notNull(date),
}
