export function shrinkLua(text: string): string
