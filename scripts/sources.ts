/** What the sources say of themselves, as the compiler reads them: who imports whom, and how long each function is. */
import { globSync } from 'node:fs'
import { posix, resolve } from 'node:path'
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isExportDeclaration,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isStringLiteral,
} from 'typescript/unstable/ast/is'
import { API } from 'typescript/unstable/sync'

/** Folders with code of the product and of what comes with it. */
export const FOLDERS = [
  'nodes',
  'sync',
  'ledger',
  'backup',
  'check',
  'alerts',
  'vendor',
  'login',
  'watchdog',
  'monitor',
  'sandbox',
  'demo',
  'bench',
  'scripts',
]

export interface Import {
  readonly from: string
  /** Path from the project's root, or the name of a package. */
  readonly to: string
  /** Nothing of it is there when the program runs. */
  readonly typeOnly: boolean
}

export interface FunctionLength {
  readonly file: string
  /** The function's own name, or that of what it is assigned to; empty: it has none. */
  readonly name: string
  /** From its first line to its last. */
  readonly lines: number
}

export interface Sources {
  readonly files: readonly string[]
  readonly imports: readonly Import[]
  readonly functions: readonly FunctionLength[]
}

/** Reads every source in these folders. Takes about two seconds: the compiler is a process of its own. */
export function readSources(folders: readonly string[] = FOLDERS): Sources {
  const files = globSync(`{${folders.join(',')}}/**/*.ts`)
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
  const compiler = new API({ cwd: process.cwd() })
  try {
    const config = resolve('tsconfig.json')
    const project = compiler.updateSnapshot({ openProjects: [config] }).getProject(config)
    const parsed = files.map((file) => {
      const source = project?.program.getSourceFile(resolve(file))
      if (!source) throw new Error(`${file} is not part of tsconfig.json`)
      return { file, source }
    })
    return {
      files,
      imports: parsed.flatMap(({ file, source }) => importsOf(file, source)),
      functions: parsed.flatMap(({ file, source }) => functionsOf(file, source)),
    }
  } finally {
    compiler.close()
  }
}

/** Static imports, re-exports, `import()` of values and of types. */
function importsOf(from: string, source: SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: Node | undefined, typeOnly: boolean): void => {
    if (!specifier || !isStringLiteral(specifier)) return
    const { text } = specifier
    found.push({ from, to: text.startsWith('.') ? posix.join(posix.dirname(from), text) : text, typeOnly })
  }
  const walk = (node: Node): void => {
    if (isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === SyntaxKind.TypeKeyword)
    else if (isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (isImportTypeNode(node) && isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) add(node.arguments[0], false)
    node.forEachChild(walk)
  }
  walk(source)
  return found
}

const FUNCTIONS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
])

/** Functions with a body, however they are written; what stands inside of one counts for both. */
function functionsOf(file: string, source: SourceFile): FunctionLength[] {
  const found: FunctionLength[] = []
  const walk = (node: Node): void => {
    if (FUNCTIONS.has(node.kind) && (node as { body?: Node }).body) {
      const lines = source.text.slice(node.getStart(source), node.end).split('\n').length
      found.push({ file, name: nameOf(node), lines })
    }
    node.forEachChild(walk)
  }
  walk(source)
  return found
}

function nameOf(node: Node): string {
  for (const one of [node, node.parent]) {
    const { name } = one as { name?: Node }
    if (name && isIdentifier(name)) return name.text
  }
  return ''
}
