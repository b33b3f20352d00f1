/** In the queue's board: its scripts take the base of its addresses as it is written, and would not resolve a relative one. */
const base = document.querySelector('base')
base.setAttribute('href', new URL(base.href).pathname)
