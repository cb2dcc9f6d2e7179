/** What a reply of the gateway says (intacct.md facts, 2). */

/** One error of the gateway; any part may be empty. */
export interface GatewayError {
  readonly errorno: string
  readonly description: string
  readonly description2: string
  readonly correction: string
  /** `errorid` of the additional information (`GL-0493`), where it came. */
  readonly errorid?: string
}

/** An element with its children; rows of data below their fields, and everything that is no row. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  text: string
  readonly children: Element[]
}

/** A row of data: text by field name in capitals, null where it is empty; nested elements where a field holds some. */
export interface DataRow {
  /** Its tag, as it came. */
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly fields: Record<string, string | null>
  readonly nested?: Record<string, Element[]>
}

export interface FunctionResult {
  readonly status: string
  readonly function: string
  readonly controlid: string
  /** Key of a legacy create. */
  readonly key?: string
  /** Attributes of `<data>` (or of the `<listtype>` beside it) by their name in lower case; undefined: no data. */
  readonly data: Readonly<Record<string, string>> | undefined
  readonly rows: readonly DataRow[]
  readonly errors: readonly GatewayError[]
}

export interface GatewayReply {
  readonly acknowledgement?: string
  /** Text of the parts of `<control>` by name; undefined: there is none. */
  readonly control: Readonly<Record<string, string>> | undefined
  readonly authentication: Readonly<Record<string, string>> | undefined
  /** Errors outside of a result: of the control level, and of the authentication. */
  readonly controlErrors: readonly GatewayError[]
  readonly authenticationErrors: readonly GatewayError[]
  readonly results: readonly FunctionResult[]
  /** Control characters that were taken out. */
  readonly removed: number
  /** Characters that were no UTF-8. */
  readonly unreadable: number
}
