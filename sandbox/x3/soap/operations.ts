/** The operations of `CAdxWebServiceXmlCC`, as the web service of X3 publishes them. */

/** `pairs`: key and value, several times; `texts`: texts, several times. */
export type PartType = 'context' | 'text' | 'number' | 'pairs' | 'texts'

const context = { callContext: 'context', publicName: 'text' } as const

/** Parts of each request, in their order; every reply has one part, `<operation>Return`. */
export const OPERATIONS = {
  run: { ...context, inputXml: 'text' },
  save: { ...context, objectXml: 'text' },
  delete: { ...context, objectKeys: 'pairs' },
  read: { ...context, objectKeys: 'pairs' },
  query: { ...context, objectKeys: 'pairs', listSize: 'number' },
  getDescription: context,
  modify: { ...context, objectKeys: 'pairs', objectXml: 'text' },
  actionObject: { ...context, actionCode: 'text', objectXml: 'text' },
  actionObjectKeys: { ...context, actionCode: 'text', objectKeys: 'pairs' },
  getDataXmlSchema: context,
  insertLines: { ...context, objectKeys: 'pairs', blocKey: 'text', lineKey: 'text', lineXml: 'text' },
  deleteLines: { ...context, objectKeys: 'pairs', blocKey: 'text', lineKeys: 'texts' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, PartType>>>>

export type Operation = keyof typeof OPERATIONS

/** Members of `callContext`, all of them texts. */
export const CONTEXT = ['codeLang', 'codeUser', 'password', 'poolAlias', 'poolId', 'requestConfig'] as const

/** Members of `technicalInfos` with their types. */
export const TECHNICAL: Readonly<Record<string, 'boolean' | 'double' | 'int' | 'string'>> = {
  busy: 'boolean',
  changeLanguage: 'boolean',
  changeUserId: 'boolean',
  flushAdx: 'boolean',
  loadWebsDuration: 'double',
  nbDistributionCycle: 'int',
  poolDistribDuration: 'double',
  poolEntryIdx: 'int',
  poolExecDuration: 'double',
  poolRequestDuration: 'double',
  poolWaitDuration: 'double',
  processReport: 'string',
  processReportSize: 'int',
  reloadWebs: 'boolean',
  resumitAfterDBOpen: 'boolean',
  rowInDistribStack: 'int',
  totalDuration: 'double',
  traceRequest: 'string',
  traceRequestSize: 'int',
}

/** Namespace of the service. */
export const WSS = 'http://www.adonix.com/WSS'
