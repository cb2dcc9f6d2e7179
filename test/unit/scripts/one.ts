describe('one file', () => {
  it(`runs on Node ${process.versions.node}`, () => undefined)
})
