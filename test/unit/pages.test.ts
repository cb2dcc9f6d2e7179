import { deepStrictEqual, ok } from 'node:assert'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** A path of the repository as the pages write it: from its root, in backquotes. */
const PATH = /^(nodes|sync|ledger|vendor|login|monitor|sandbox|demo|bench|scripts|test|docs|flows)\/[\w./-]*$/
/** Commands of the package that the pages name. */
const COMMAND = /\bnpm run (?:-s )?([\w:-]+)/g

const read = (file: string): string => readFileSync(file, 'utf8')
/** The address of a heading within its page, as it is made on the web. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replace(/\s/g, '-')

describe('the pages', () => {
  const pages = [...globSync('*.md'), ...globSync('docs/*.md')].map((file) => ({
    file: file.replaceAll('\\', '/'),
    text: read(file),
  }))

  it('are there', () => {
    const files = pages.map(({ file }) => file)
    for (const page of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'docs/glossary.md'])
      ok(files.includes(page), page)
  })

  it('link to pages and headings that there are', () => {
    const broken = pages.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)|src="(?!https?:)([^"]+)"/g)]
        .filter(([, path = '', anchor, image]) => {
          const target = image ?? (path === '' ? file : posix.join(posix.dirname(file), path))
          if (!existsSync(target)) return true
          const headings = anchor ? [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, one = '']) => anchorOf(one)) : []
          return anchor !== undefined && !headings.includes(anchor)
        })
        .map(([link]) => `${file}: ${link}`),
    )
    deepStrictEqual(broken, [])
  })

  it('name files, folders and commands that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const wrong = pages.flatMap(({ file, text }) => [
      ...[...text.matchAll(/`([^`\n]+)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => PATH.test(path) && !existsSync(path))
        .map((path) => `${file}: ${path}`),
      ...[...text.matchAll(COMMAND)]
        .filter(([, name = '']) => !Object.hasOwn(scripts, name))
        .map(([all]) => `${file}: ${all}`),
    ])
    deepStrictEqual(wrong, [])
  })
})
