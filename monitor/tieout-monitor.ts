/** Editor plugin: loads `tieout-monitor.html`, the sidebar with runs and alerts. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-monitor', { type: 'tieout-monitor' })
}
