import type { BookTables, Stamped, TableName } from '../../books/types.ts'
import type { Context, Fields, Generation, NodeHead, NodeSpec, Ref } from '../model.ts'
import { decimal, isOld, node } from '../model.ts'

/** Fields of a master record, read through its reference; null where the record is gone. */
function of<N extends TableName>(
  fields: Readonly<Record<string, readonly [string, (thing: BookTables[N], context: Context) => unknown]>>,
): Fields<Ref<N>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, [type, get]]) => [
      name,
      [
        type,
        (ref: Ref<N>, context: Context) => {
          const thing = ref.thing ?? context.load(ref.table as N, ref.key)
          return thing === undefined ? null : get(thing, context)
        },
      ] as const,
    ]),
  )
}

function head<N extends TableName>(type: string, pkg: string, table: N): NodeHead<Ref<N>> & { table: N } {
  return {
    type,
    package: pkg,
    table,
    master: true,
    position: (ref) => [ref.key],
    stamped: (ref, context) => (ref.thing ?? context.load(table, ref.key)) as Stamped | undefined,
    stamps: { _updateStamp: { table, part: 'own' } },
  }
}

const behindBar = (key: string): string => key.slice(key.indexOf('|') + 1)
const beforeBar = (key: string): string => key.slice(0, key.indexOf('|'))

interface BankDetail {
  partner: string
  index: number
  name: string
  bankId: string
}

const businessPartner = node<Ref<'businessPartner'>>(
  { ...head('BusinessPartner', 'x3MasterData', 'businessPartner'), keyFields: ['code'] },
  {
    code: ['String', (ref) => ref.key],
    ...of<'businessPartner'>({
      isActive: ['Boolean', () => true],
      companyName1: ['String', (p) => p.name],
      companyName2: ['String', () => ''],
      shortCompanyName: ['String', (p) => p.shortName],
      europeanUnionVatNumber: ['String', (p) => p.vatNumber],
      vatNumber: ['String', (p) => p.vatNumber],
      country: ['Country_node', (p, c) => c.code('country', p.country)],
      currency: ['Currency_node', (p, c) => c.code('currency', p.currency)],
      language: ['Language_node', (p, c) => c.code('language', p.language)],
      isCustomer: ['Boolean', (p) => p.isCustomer],
      isSupplier: ['Boolean', (p) => p.isSupplier],
      bankDetails: [
        'BusinessPartnerBankDetails_Collection',
        (p) => p.bankAccounts.map((bankId, i): BankDetail => ({ partner: p.code, index: i + 1, name: p.name, bankId })),
      ],
    }),
  },
  `category:CustomerCategory_node customerOrSupplierOriginCategory:String isIntersite:Boolean businessPartnerSite:Site_node
   siteIdentificationNumber:String standardIndustrialClassificationCode:String acronym:String italianTaxNumber:String
   fiscalCode:String consolidationGroup:SiteGroupings_node consolidationCode:String isGrantor:Boolean isCarrier:Boolean
   isFactor:Boolean isSalesRep:Boolean isMiscellaneousBusinessPartner:Boolean isProspect:Boolean isServiceSupplier:Boolean
   isServiceCaller:Boolean defaultAddress:BusinessPartnerAddress_node defaultContact:BusinessPartnerContact_node`,
)

const bankDetails = node<BankDetail>(
  {
    type: 'BusinessPartnerBankDetails',
    position: (bank) => [bank.partner, bank.index],
    stamped: () => undefined,
    sortValue: (bank) => bank.index,
  },
  {
    denormalizedIndex: ['Int', (bank) => bank.index],
    beneficiary: ['String', (bank) => bank.name],
    bankId: ['String', (bank) => bank.bankId],
  },
)

const partnerStamps = <N extends TableName>(table: N) => ({
  _updateStamp: { table, part: 'own' as const },
  'code._updateStamp': { table: 'businessPartner' as const, part: 'own' as const },
})

/** `companyName` until 2022 (pages xtremX3MasterData/supplier and the examples of 2021), with its number since. */
const partnerNames = (old: boolean): Fields<Ref> => ({
  [old ? 'companyName' : 'companyName1']: [
    'String',
    (ref, context) => context.load('businessPartner', ref.key)?.name ?? null,
  ],
  shortCompanyName: ['String', (ref, context) => context.load('businessPartner', ref.key)?.shortName ?? null],
})

/** Roles of business partners. */
function partnerRoles(generation: Generation): NodeSpec[] {
  const names = partnerNames(isOld(generation))
  /** Supplier and customer stand under the key of their business partner: a text in 2021, a reference since. */
  const partnerCode: Fields<Ref> =
    generation === 'sage'
      ? { code: ['String', (ref) => ref.key] }
      : { code: ['BusinessPartner_node', (ref, context) => context.ref('businessPartner', ref.key)] }
  return [
    node<Ref<'supplier'>>(
      { ...head('Supplier', 'x3MasterData', 'supplier'), keyFields: ['code'], stamps: partnerStamps('supplier') },
      {
        ...partnerCode,
        ...names,
        ...of<'supplier'>({
          category: ['SupplierCategory_node', (s, c) => c.code('supplierCategory', s.category)],
          currency: ['Currency_node', (s, c) => c.code('currency', s.currency)],
          payToBusinessPartner: ['BusinessPartner_node', (s, c) => c.ref('businessPartner', s.payTo)],
          billBySupplier: ['Supplier_node', (s, c) => c.ref('supplier', s.billBy)],
          isActive: ['Boolean', (s) => s.active],
          isMultiLineOrder: ['Boolean', () => true],
          ourCustomerNumberForSupplier: ['String', () => ''],
          location: ['String', () => ''],
          amountType: ['PriceAmountType', () => 'excludeTax'],
          rateType: ['ExchangeRateType', () => 'dailyRate'],
        }),
      },
      `payToBusinessPartnerAddress:BusinessPartnerAddress_node billBySupplierAddress:SupplierAddress_node groupSupplier:Supplier_node
       riskSupplier:Supplier_node carrier:Carrier_node defaultContact:SupplierContact_node supplierABCClass:ProductAbcClass
       unavailablePeriod:UnavailablePeriods_node incoterm:Incoterm_node intrastatTransportLocation:CountryLocation
       addressByDefault:SupplierAddress_node`,
    ),
    node<Ref<'customer'>>(
      { ...head('Customer', 'x3MasterData', 'customer'), keyFields: ['code'], stamps: partnerStamps('customer') },
      {
        ...partnerCode,
        ...names,
        ...of<'customer'>({
          category: ['CustomerCategory_node', (s, c) => c.code('customerCategory', s.category)],
          currency: ['Currency_node', (s, c) => c.code('currency', s.currency)],
          isActive: ['Boolean', (s) => s.active],
          rateType: ['ExchangeRateType', () => 'dailyRate'],
        }),
      },
      'billToCustomer:Customer_node groupCustomer:Customer_node addressByDefault:CustomerAddress_node',
    ),
  ]
}

const product = node<Ref<'product'>>(
  { ...head('Product', 'x3MasterData', 'product'), keyFields: ['code'] },
  {
    code: ['String', (ref) => ref.key],
    ...of<'product'>({
      description1: ['String', (p) => p.description],
      description2: ['String', () => ''],
      description3: ['String', () => ''],
      localizedDescription1: ['String', (p) => p.description],
      upc: ['String', (p) => p.upc],
      productStatus: ['ProductStatus', (p) => p.status],
      stockUnit: ['UnitOfMeasure_node', (p, c) => c.code('unit', p.stockUnit)],
      basePrice: ['Decimal', (p) => decimal(p.basePrice)],
      purchaseBasePrice: ['Decimal', (p) => decimal(p.basePrice)],
      stockManagementMode: ['StockManagementMode', () => 'managed'],
      lotManagementMode: ['LotManagementMode', () => 'notManaged'],
    }),
  },
)

const account = node<Ref<'account'>>(
  { ...head('Account', 'x3FinanceData', 'account'), keys: [['chartOfAccounts._id', 'code']] },
  {
    code: ['String', (ref) => behindBar(ref.key)],
    chartOfAccounts: ['ChartOfAccounts_node', (ref, c) => c.code('chartOfAccounts', beforeBar(ref.key))],
    ...of<'account'>({
      localizedDescription: ['String', (a) => a.title],
      localizedShortDescription: ['String', (a) => a.title.slice(0, 10)],
      isActive: ['Boolean', (a) => a.active],
    }),
  },
)

const dimension = (old: boolean): NodeSpec =>
  node<Ref<'dimension'>>(
    {
      ...head('Dimension', 'x3FinanceData', 'dimension'),
      keys: [['dimensionType._id', old ? 'dimension' : 'code']],
    },
    {
      [old ? 'dimension' : 'code']: ['String', (ref) => behindBar(ref.key)],
      dimensionType: ['DimensionType_node', (ref, c) => c.code('dimensionType', beforeBar(ref.key))],
      ...of<'dimension'>({
        localizedDescription: ['String', (d) => d.title],
        localizedShortDescription: ['String', (d) => d.title.slice(0, 10)],
        isActive: ['Boolean', (d) => d.active],
      }),
    },
  )

export function masterNodes(generation: Generation): NodeSpec[] {
  const old = isOld(generation)
  return [businessPartner, bankDetails, ...partnerRoles(generation), product, account, dimension(old)]
}
