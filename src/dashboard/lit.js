/**
 * What the page uses of lit-html (see vendor/lit-html). Templates write text as text: nothing that people wrote becomes
 * HTML.
 */
export { repeat } from './vendor/lit-html/directives/repeat.js'
export { html, nothing, render, svg } from './vendor/lit-html/lit-html.js'
