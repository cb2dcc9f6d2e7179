import { INTACCT_SITES, startIntacct } from '../intacct/server.ts'
import type { Ground, RunningServer } from './server.ts'

export async function intacctServer({ history, port, secret, options }: Ground): Promise<RunningServer> {
  const intacct = await startIntacct({
    books: history.books,
    clock: history.clock,
    port: await port('intacct.port'),
    companyPort: await port('intacct.companyPort'),
    senderPassword: secret('intacct.senderPassword'),
    userPassword: secret('intacct.userPassword'),
    keepReplies: options.prepared,
  })
  const { url, endpoint, senderId, senderPassword, companyId, userId, userPassword } = intacct
  return {
    addresses: {
      ...{ url, endpoint, port: intacct.port, companyPort: intacct.companyPort },
      ...{ senderId, senderPassword, companyId, userId, userPassword },
    },
    sites: INTACCT_SITES,
    stats: intacct.stats,
    setFaults: intacct.setFaults,
    setLatency: intacct.setLatency,
    newDay: intacct.newDay,
    rights: { deny: intacct.deny, allow: intacct.allow, denied: intacct.denied },
    close: intacct.close,
  }
}
