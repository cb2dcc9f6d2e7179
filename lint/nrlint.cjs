// What a template in flows/ is checked by: every rule of nrlint.
module.exports = {
  rules: {
    'align-to-grid': true,
    'max-flow-size': true,
    'no-duplicate-http-in-urls': true,
    'no-loops': true,
    'no-overlapping-nodes': true,
    'no-unconnected-http-nodes': true,
    'no-unnamed-functions': true,
    'no-unnamed-links': true,
    'function-eslint': {
      config: { parserOptions: { ecmaVersion: 12 }, rules: { 'no-undef': 'off', 'no-unused-vars': 'error' } },
    },
  },
}
