/** A module of the page as the browser gets it: JavaScript, without types. @param name `trace/saying` */
export const pageModule = (name: string) => import(new URL(`../../../src/dashboard/${name}.js`, import.meta.url).href)
