/**
 * A zod shape of a type that is declared elsewhere, for what documents that type: JSON Schema, OpenAPI. The compiler
 * refuses the shape unless it has the same fields as the type, of the same types, and the same ones optional.
 */
import type { z } from 'zod'

/** Every field required, at every depth: a field that is only optional in one of two types is assignable either way. */
type Filled<Type> = Type extends string
  ? Type
  : Type extends readonly (infer Item)[]
    ? Filled<Item>[]
    : Type extends object
      ? { [Name in keyof Type]-?: Filled<Exclude<Type[Name], undefined>> }
      : Type

type Assignable<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** Whether two types describe the same JSON. */
export type Same<A, B> = Assignable<A, B> extends true ? Assignable<Filled<A>, Filled<B>> : false

/** `shapeOf<Batch>()(z.object({…}))` */
export const shapeOf =
  <Type>() =>
  <Shape extends z.ZodType>(
    shape: Shape,
    ..._differs: Same<z.output<Shape>, Type> extends true ? [] : [never]
  ): Shape =>
    shape
