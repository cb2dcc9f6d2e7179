/** A flow beside the template by whose button the demo company's next business day passes. */
import type { FlowNode } from './ends/end.ts'
import type { Sandbox } from './sandbox.ts'

const TAB = 'a6d0e1c5b8f24937'
const [BUTTON, REQUEST, LABEL] = ['5c1f9e0a7b3d4826', 'e08b47d2f6a91c35', '92d7b3f04e6c158a']

const ABOUT = `People work for a day in the sandbox's ERP: records are added and changed, some are deleted, and one journal does not balance. The next run of a flow reads what changed, and holds that journal.

Deletions leave no stamp: they are found by the sweep, once a day at 02:00, or when a run is started in the sidebar *Tieout*, *Syncs*, as *what changed or was deleted*.`

/** The variables that the flow names. */
export const nextDayEnvironment = ({ control }: Sandbox): Record<string, string> => ({
  SANDBOX_NEXT_DAY: `${control.url}/day`,
  SANDBOX_TOKEN: `Bearer ${control.token}`,
})

/** The tab, its button, the call and what it gives. */
export const nextDayFlow = (): FlowNode[] => [
  { id: TAB, type: 'tab', label: 'Next business day', disabled: false, info: ABOUT, env: [] },
  {
    ...{ id: BUTTON, type: 'inject', z: TAB, name: 'Next business day', x: 170, y: 100, wires: [[REQUEST]] },
    props: [{ p: 'payload' }, { p: 'headers.authorization', v: 'SANDBOX_TOKEN', vt: 'env' }],
    ...{ repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '', payload: '{}', payloadType: 'json' },
  },
  {
    ...{ id: REQUEST, type: 'http request', z: TAB, name: 'The sandbox', x: 380, y: 100, wires: [[LABEL]] },
    ...{ method: 'POST', ret: 'obj', paytoqs: 'ignore', url: `\${SANDBOX_NEXT_DAY}`, tls: '', persist: false },
    ...{ proxy: '', insecureHTTPParser: false, authType: '', senderr: true, headers: [] },
  },
  {
    ...{ id: LABEL, type: 'debug', z: TAB, name: 'What happened', x: 590, y: 100, wires: [] },
    ...{ active: true, tosidebar: true, console: false, tostatus: true, complete: 'payload.changes' },
    ...{ targetType: 'msg', statusVal: 'payload.clock', statusType: 'msg' },
  },
]
