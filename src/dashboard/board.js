/** For the queue's board: makes its base address absolute, because its scripts use the attribute as it is written. */
const base = document.querySelector('base')
base.setAttribute('href', new URL(base.href).pathname)
