/** Editor plugin: loads `tieout-monitor.html`, the sidebar that shows runs, held records, batches in doubt and alerts. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-monitor', { type: 'tieout-monitor' })
}
