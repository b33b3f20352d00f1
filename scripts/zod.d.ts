/**
 * The types of zod that Lull's own types name, so that nobody needs zod to compile against Lull: it is bundled.
 * scripts/declare.mjs puts this file in zod's place.
 */
export * as z from './zod.js'

export interface ZodType<Output = unknown> {
  readonly _output: Output
}
export type output<Type> = Type extends { readonly _output: infer Output } ? Output : never
export type { output as infer }

export interface ZodString extends ZodType<string> {}
export interface ZodNumber extends ZodType<number> {}
export interface ZodBoolean extends ZodType<boolean> {}
export interface ZodUnknown extends ZodType<unknown> {}
export interface ZodLiteral<Value> extends ZodType<Value> {}
export interface ZodEnum<Entries> extends ZodType<Entries[keyof Entries]> {}
export interface ZodArray<Element> extends ZodType<output<Element>[]> {}
export interface ZodReadonly<Inner> extends ZodType<Readonly<output<Inner>>> {}
export interface ZodOptional<Inner> extends ZodType<output<Inner> | undefined> {}
export interface ZodNullable<Inner> extends ZodType<output<Inner> | null> {}
export interface ZodDefault<Inner> extends ZodType<Exclude<output<Inner>, undefined>> {}
export interface ZodTransform<Output, Input = unknown> extends ZodType<Output> {
  readonly _input: Input
}
export interface ZodPipe<From, To> extends ZodType<output<To>> {
  readonly in: From
}

type OptionalIn<Shape> = { [Name in keyof Shape]: undefined extends output<Shape[Name]> ? Name : never }[keyof Shape]

export interface ZodObject<Shape, Config = unknown>
  extends ZodType<
    { -readonly [Name in keyof Omit<Shape, OptionalIn<Shape>>]: output<Shape[Name]> } & {
      -readonly [Name in keyof Pick<Shape, OptionalIn<Shape>>]?: output<Shape[Name]>
    }
  > {
  readonly shape: Shape
  readonly _config: Config
}

export declare namespace core {
  interface $ZodType<Output = unknown> extends ZodType<Output> {}
  type $strip = object
  type $strict = object
  type $loose = object
}
