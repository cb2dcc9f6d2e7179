/** Editor plugin: loads `tieout-status.html`, by which a long status text does not run under the next node's. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-status', { type: 'tieout-editor' })
}
