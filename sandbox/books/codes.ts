/** The small fixed lists of the demo group: a manufacturer in France (with a site in Portugal) and its British daughter. */

export interface Company {
  code: string
  currency: string
  /** Chart of accounts of the legal ledger. */
  chart: string
  sites: readonly string[]
}

export const companies: readonly Company[] = [
  { code: 'FR10', currency: 'EUR', chart: 'FRA', sites: ['FR011', 'FR012', 'PT032'] },
  { code: 'GB10', currency: 'GBP', chart: 'ENG', sites: ['GB011', 'GB012'] },
]

/** Every site in code order, with the company it belongs to. */
export const sites: readonly { code: string; company: Company }[] = companies
  .flatMap((company) => company.sites.map((code) => ({ code, company })))
  .sort((a, b) => (a.code < b.code ? -1 : 1))

/** Ledgers other than the legal one have a chart and a currency of their own. */
export const otherLedgers: Readonly<Record<string, { chart: string; currency: string }>> = {
  analytical: { chart: 'ANA', currency: 'EUR' },
  ias: { chart: 'IAS', currency: 'KWD' },
}

export const charts = ['ANA', 'ENG', 'FRA', 'IAS'] as const
export const dimensionTypes = ['CCT', 'PRD', 'PRO'] as const
export const countries = ['AE', 'AT', 'CH', 'CN', 'DE', 'ES', 'FR', 'GB', 'KW', 'PL', 'PT', 'US'] as const
export const entryTypes = ['BPCIN', 'BPSIN', 'GEN', 'STK'] as const
export const units = ['DA', 'KG', 'L', 'M', 'UN'] as const
export const taxes = ['EXO', 'NOR', 'RED'] as const
export const paymentTerms = ['CH30NETEOM', 'CH60NET', 'TR30NET'] as const
export const languages: Readonly<Record<string, string>> = {
  ENG: 'English',
  FRA: 'Français',
  GER: 'Deutsch',
  POR: 'Português',
}

/** Language and currency in which a partner of a country deals. */
export const countryHabits: Readonly<Record<string, readonly [language: string, currency: string]>> = {
  AE: ['ENG', 'USD'],
  AT: ['GER', 'EUR'],
  CH: ['GER', 'EUR'],
  CN: ['ENG', 'USD'],
  DE: ['GER', 'EUR'],
  ES: ['ENG', 'EUR'],
  FR: ['FRA', 'EUR'],
  GB: ['ENG', 'GBP'],
  KW: ['ENG', 'KWD'],
  PL: ['GER', 'EUR'],
  PT: ['POR', 'EUR'],
  US: ['ENG', 'USD'],
}

/** Kind -> code -> title, for everything that references in the books lead to besides the tables themselves. */
export const codes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  company: { FR10: 'Mécanique Générale <Lyon> & Fils', GB10: 'Tie "Out" Engineering Ltd' },
  site: {
    FR011: 'Lyon, usine',
    FR012: "Villeurbanne, dépôt de l'Est",
    GB011: 'Leeds works',
    GB012: 'Hull <warehouse>',
    PT032: 'Setúbal, armazém',
  },
  currency: {
    CLF: 'Unidad de Fomento',
    EUR: 'Euro',
    GBP: 'Pound Sterling',
    JPY: 'Yen',
    KWD: 'Kuwaiti Dinar',
    USD: 'US Dollar',
  },
  country: {
    AE: 'United Arab Emirates',
    AT: 'Österreich',
    CH: 'Schweiz',
    CN: 'China',
    DE: 'Deutschland',
    ES: 'España',
    FR: 'France',
    GB: 'United Kingdom',
    KW: 'Kuwait',
    PL: 'Polska',
    PT: 'Portugal',
    US: 'United States',
  },
  language: languages,
  unit: { DA: 'Day', KG: 'Kilogramme', L: 'Litre', M: 'Metre', UN: 'Unit' },
  tax: { EXO: 'Exempt', NOR: 'Normal rate', RED: 'Reduced rate' },
  paymentTerm: { CH30NETEOM: '30 days end of month', CH60NET: '60 days net', TR30NET: 'Draft 30 days' },
  supplierCategory: { ADM: 'Administrations', FOR: 'Foreign', LOC: 'Local', RAW: 'Raw material' },
  customerCategory: { EXP: 'Export', KEY: 'Key accounts', STD: 'Standard' },
  invoiceType: {
    CUCRN: 'Customer credit note',
    CUINV: 'Customer invoice',
    SUCRN: 'Supplier credit note',
    SUINV: 'Supplier invoice',
  },
  entryType: {
    ...{ BPCIN: 'Customer invoices', BPSCM: 'Supplier credit memos', BPSIN: 'Supplier invoices', GEN: 'General' },
    STK: 'Stock',
  },
  journal: { ACH: 'Achats', OD: 'Opérations diverses', STO: 'Stock', VEN: 'Ventes' },
  transaction: { STDCO: 'Standard entry', STDIM: 'Entry from a document' },
  chartOfAccounts: { ANA: 'Analytical', ENG: 'UK nominal codes', FRA: 'Plan comptable général', IAS: 'Group (IAS)' },
  dimensionType: { CCT: 'Cost centre', PRD: 'Product line', PRO: 'Project' },
  ledger: { analytical: 'Analytical', ias: 'IAS', legal: 'Legal' },
}
