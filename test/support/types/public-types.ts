/** The library's types as an editor has them: the declarations that the package contains. */
import { join } from 'node:path'
import { ts } from '@ts-morph/common'

/** Something that a user can name or hover over. */
export interface Documented {
  /** `Batcher.append`, `AppendResult.accepted`. */
  name: string
  doc: string
}

export class PublicTypes {
  private readonly checker: ts.TypeChecker
  private readonly exported: readonly ts.Symbol[]

  /** @param folder with the declarations, `index.d.ts` among them */
  constructor(private readonly folder: string) {
    const entry = join(folder, 'index.d.ts')
    const options: ts.CompilerOptions = {
      // What ioredis and the language declare is not ours to check.
      noLib: true,
      types: [],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
    }
    const program = ts.createProgram({ rootNames: [entry], options })
    this.checker = program.getTypeChecker()
    const file = program.getSourceFile(entry)
    const module = file && this.checker.getSymbolAtLocation(file)
    if (!module) throw new Error(`${entry} is no module`)
    this.exported = this.checker.getExportsOfModule(module).map(symbol => this.resolved(symbol))
  }

  get names(): string[] {
    return this.exported.map(({ name }) => name)
  }

  /** Types that exported declarations name and the root does not export, each with where it is named. */
  get hidden(): string[] {
    const exported = new Set(this.exported)
    const found = new Set<string>()
    for (const symbol of this.exported)
      for (const named of this.namedIn(symbol))
        if (!exported.has(named)) found.add(`${named.name}, named by ${symbol.name}`)
    return [...found].sort()
  }

  /** Everything that is exported, and its public members. */
  get documented(): Documented[] {
    return this.exported.flatMap(symbol => [
      this.documentedAs(symbol.name, symbol),
      ...(symbol.declarations ?? []).flatMap(declaration => [...this.membersIn(declaration, symbol.name)]),
    ])
  }

  private documentedAs(name: string, symbol: ts.Symbol): Documented {
    const comment = ts.displayPartsToString(symbol.getDocumentationComment(this.checker))
    const tags = symbol.getJsDocTags(this.checker).map(({ text }) => ts.displayPartsToString(text))
    return { name, doc: [comment, ...tags].join(' ').trim() }
  }

  /** The members of a class, an interface, or an object type that is written out. */
  private *membersIn(node: ts.Node, path: string): Generator<Documented> {
    for (const child of childrenOf(node)) {
      if (isHidden(child) || isDiscriminator(child)) continue
      const symbol = isMember(child) ? this.checker.getSymbolAtLocation(child.name) : undefined
      if (!symbol || ts.isParameter(child)) {
        yield* this.membersIn(child, path)
        continue
      }
      const name = `${path}.${symbol.name}`
      yield this.documentedAs(name, symbol)
      // What a method returns is not an option; its docstring describes it.
      if (ts.isPropertySignature(child) || ts.isPropertyDeclaration(child)) yield* this.membersIn(child, name)
    }
  }

  private namedIn(symbol: ts.Symbol): Set<ts.Symbol> {
    const named = new Set<ts.Symbol>()
    const visit = (node: ts.Node): void => {
      if (isHidden(node)) return
      const name = nameIn(node)
      const target = name && this.checker.getSymbolAtLocation(name)
      if (target) {
        const type = this.resolved(target)
        if (this.isOurs(type)) named.add(type)
      }
      for (const child of childrenOf(node)) visit(child)
    }
    for (const declaration of symbol.declarations ?? []) visit(declaration)
    return named
  }

  private resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol
  }

  /** Not of another package, and no type parameter. */
  private isOurs({ flags, declarations = [] }: ts.Symbol): boolean {
    if (flags & ts.SymbolFlags.TypeParameter) return false
    return declarations.some(declaration => declaration.getSourceFile().fileName.startsWith(this.folder))
  }
}

function childrenOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = []
  ts.forEachChild(node, child => void children.push(child))
  return children
}

type Member = ts.Node & { name: ts.Node }

const isMember = (node: ts.Node): node is Member =>
  (ts.isTypeElement(node) || ts.isClassElement(node)) && node.name !== undefined

const isHidden = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node) ?? []).some(
    ({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword,
  )

/** `state: 'go'` in a union, whose docstring describes each of its parts. */
const isDiscriminator = (node: ts.Node): boolean =>
  ts.isPropertySignature(node) &&
  ts.isUnionTypeNode(node.parent.parent) &&
  node.type !== undefined &&
  (ts.isLiteralTypeNode(node.type) || (ts.isUnionTypeNode(node.type) && node.type.types.every(ts.isLiteralTypeNode)))

/** The name that a reference to a type has. */
function nameIn(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName
  if (ts.isExpressionWithTypeArguments(node)) return node.expression
  if (ts.isImportTypeNode(node)) return node.qualifier
  return undefined
}
