/** The clouds of Power BI: where tokens come from, what they are asked for, where the API is. */

export interface Cloud {
  /** Host of the identity platform. */
  readonly login: string
  /** The scope is this and `/.default`. */
  readonly resource: string
  readonly api: string
}

export type CloudName = keyof typeof CLOUDS

/** Microsoft's own sample configurations (PowerBI-Developer-Samples, CloudConfigs). */
export const CLOUDS = {
  public: {
    login: 'https://login.microsoftonline.com',
    resource: 'https://analysis.windows.net/powerbi/api',
    api: 'https://api.powerbi.com',
  },
  gcc: {
    login: 'https://login.microsoftonline.com',
    resource: 'https://analysis.usgovcloudapi.net/powerbi/api',
    api: 'https://api.powerbigov.us',
  },
  'gcc-high': {
    login: 'https://login.microsoftonline.us',
    resource: 'https://high.analysis.usgovcloudapi.net/powerbi/api',
    api: 'https://api.high.powerbigov.us',
  },
  dod: {
    login: 'https://login.microsoftonline.us',
    resource: 'https://mil.analysis.usgovcloudapi.net/powerbi/api',
    api: 'https://api.mil.powerbigov.us',
  },
  china: {
    login: 'https://login.partner.microsoftonline.cn',
    resource: 'https://analysis.chinacloudapi.cn/powerbi/api',
    api: 'https://api.powerbi.cn',
  },
} as const satisfies Readonly<Record<string, Cloud>>

export const CLOUD_NAMES = Object.keys(CLOUDS) as [CloudName, ...CloudName[]]
