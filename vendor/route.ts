/** How a connection gets to its hosts: whom it trusts, and through which proxy. */
export interface Route {
  /** PEM text of one or more authorities that are trusted besides the public ones and NODE_EXTRA_CA_CERTS. */
  readonly ca?: string
  /** Nobody but `ca` is trusted. */
  readonly onlyCa?: boolean
  /** `http://user:password@proxy:3128`, for every host of the connection; without it those of the environment count. */
  readonly proxy?: string
}
