/** Editor plugin: loads `tieout-record.html`, one held record in the sidebar, to be looked at and corrected. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-record', { type: 'tieout-record' })
}
