/** Editor plugin: loads `tieout-editor.html`, which gives the dialogs of all Tieout nodes their shared helpers (`window.tieout`). */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-editor', { type: 'tieout-editor' })
}
