/** Editor plugin: loads `tieout-templates.html`, by which templates that are imported share their ledger and their connections. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-templates', { type: 'tieout-editor' })
}
