/** Editor plugin: loads `tieout-syncs.html`, the list of the sidebar from which syncs are started and stopped. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-syncs', { type: 'tieout-syncs' })
}
