/** Editor plugin: loads `tieout-basware.html`, the list of the sidebar that shows what the ERP and Basware do not have alike. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-basware', { type: 'tieout-basware' })
}
